/*
 * Parts of mbedTLS that this program never uses, but that Debian's library holds references to: its server, ciphers and hashes of former
 * times, encrypted keys, certificates for its own tests, debugging. With these stand-ins the linker leaves the real ones out.
 *
 * cipher-suites.c has no suite that needs them. Where the other side or a certificate names one all the same, the call fails as any other
 * that cannot be done (MBEDTLS_ERR_PLATFORM_FEATURE_UNSUPPORTED); those that only prepare or free do nothing.
 */
#include <stddef.h>

static int left_out(void) { return -0x0072; }

#define LEFT_OUT(name) int name(void) __attribute__((alias("left_out")))

/* arc4 */
LEFT_OUT(mbedtls_arc4_crypt);
LEFT_OUT(mbedtls_arc4_free);
LEFT_OUT(mbedtls_arc4_init);
LEFT_OUT(mbedtls_arc4_setup);

/* blowfish */
LEFT_OUT(mbedtls_blowfish_crypt_cbc);
LEFT_OUT(mbedtls_blowfish_crypt_cfb64);
LEFT_OUT(mbedtls_blowfish_crypt_ctr);
LEFT_OUT(mbedtls_blowfish_crypt_ecb);
LEFT_OUT(mbedtls_blowfish_free);
LEFT_OUT(mbedtls_blowfish_init);
LEFT_OUT(mbedtls_blowfish_setkey);

/* camellia */
LEFT_OUT(mbedtls_camellia_crypt_cbc);
LEFT_OUT(mbedtls_camellia_crypt_cfb128);
LEFT_OUT(mbedtls_camellia_crypt_ctr);
LEFT_OUT(mbedtls_camellia_crypt_ecb);
LEFT_OUT(mbedtls_camellia_free);
LEFT_OUT(mbedtls_camellia_init);
LEFT_OUT(mbedtls_camellia_setkey_dec);
LEFT_OUT(mbedtls_camellia_setkey_enc);

/* ccm */
LEFT_OUT(mbedtls_ccm_auth_decrypt);
LEFT_OUT(mbedtls_ccm_encrypt_and_tag);
LEFT_OUT(mbedtls_ccm_free);
LEFT_OUT(mbedtls_ccm_init);
LEFT_OUT(mbedtls_ccm_setkey);

/* debug */
LEFT_OUT(mbedtls_debug_print_buf);
LEFT_OUT(mbedtls_debug_print_crt);
LEFT_OUT(mbedtls_debug_print_mpi);
LEFT_OUT(mbedtls_debug_print_msg);
LEFT_OUT(mbedtls_debug_print_ret);
LEFT_OUT(mbedtls_debug_printf_ecdh);

/* des */
LEFT_OUT(mbedtls_des3_crypt_cbc);
LEFT_OUT(mbedtls_des3_crypt_ecb);
LEFT_OUT(mbedtls_des3_free);
LEFT_OUT(mbedtls_des3_init);
LEFT_OUT(mbedtls_des3_set2key_dec);
LEFT_OUT(mbedtls_des3_set2key_enc);
LEFT_OUT(mbedtls_des3_set3key_dec);
LEFT_OUT(mbedtls_des3_set3key_enc);
LEFT_OUT(mbedtls_des_crypt_cbc);
LEFT_OUT(mbedtls_des_crypt_ecb);
LEFT_OUT(mbedtls_des_free);
LEFT_OUT(mbedtls_des_init);
LEFT_OUT(mbedtls_des_setkey_dec);
LEFT_OUT(mbedtls_des_setkey_enc);

/* dhm */
LEFT_OUT(mbedtls_dhm_calc_secret);
LEFT_OUT(mbedtls_dhm_free);
LEFT_OUT(mbedtls_dhm_init);
LEFT_OUT(mbedtls_dhm_make_public);
LEFT_OUT(mbedtls_dhm_read_params);

/* md2 */
LEFT_OUT(mbedtls_internal_md2_process);
LEFT_OUT(mbedtls_md2_clone);
LEFT_OUT(mbedtls_md2_finish_ret);
LEFT_OUT(mbedtls_md2_free);
LEFT_OUT(mbedtls_md2_init);
LEFT_OUT(mbedtls_md2_ret);
LEFT_OUT(mbedtls_md2_starts_ret);
LEFT_OUT(mbedtls_md2_update_ret);

/* md4 */
LEFT_OUT(mbedtls_internal_md4_process);
LEFT_OUT(mbedtls_md4_clone);
LEFT_OUT(mbedtls_md4_finish_ret);
LEFT_OUT(mbedtls_md4_free);
LEFT_OUT(mbedtls_md4_init);
LEFT_OUT(mbedtls_md4_ret);
LEFT_OUT(mbedtls_md4_starts_ret);
LEFT_OUT(mbedtls_md4_update_ret);

/* md5 */
LEFT_OUT(mbedtls_internal_md5_process);
LEFT_OUT(mbedtls_md5_clone);
LEFT_OUT(mbedtls_md5_finish_ret);
LEFT_OUT(mbedtls_md5_free);
LEFT_OUT(mbedtls_md5_init);
LEFT_OUT(mbedtls_md5_ret);
LEFT_OUT(mbedtls_md5_starts_ret);
LEFT_OUT(mbedtls_md5_update_ret);

/* pkcs12 */
LEFT_OUT(mbedtls_pkcs12_pbe);
LEFT_OUT(mbedtls_pkcs12_pbe_sha1_rc4_128);

/* pkcs5 */
LEFT_OUT(mbedtls_pkcs5_pbes2);

/* ripemd160 */
LEFT_OUT(mbedtls_internal_ripemd160_process);
LEFT_OUT(mbedtls_ripemd160_clone);
LEFT_OUT(mbedtls_ripemd160_finish_ret);
LEFT_OUT(mbedtls_ripemd160_free);
LEFT_OUT(mbedtls_ripemd160_init);
LEFT_OUT(mbedtls_ripemd160_ret);
LEFT_OUT(mbedtls_ripemd160_starts_ret);
LEFT_OUT(mbedtls_ripemd160_update_ret);

/* ssl_srv */
LEFT_OUT(mbedtls_ssl_handshake_server_step);

/* Certificates for its own tests */
const char mbedtls_test_ca_crt[1], mbedtls_test_cli_crt[1];
const size_t mbedtls_test_ca_crt_len = 0, mbedtls_test_cli_crt_len = 0;
