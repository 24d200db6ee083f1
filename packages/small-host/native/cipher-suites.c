/*
 * The cipher suites that the client offers, the preferred one first (RFC 5246 §A.5, 5289, 7905). They stand in for the table of mbedTLS, which
 * knows all that there ever were: what is not here can be neither offered nor agreed on.
 */
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ciphersuites.h>

#define SUITE(name, cipher, hash, exchange)                                                                             \
  {MBEDTLS_TLS_##name, "", MBEDTLS_CIPHER_##cipher, MBEDTLS_MD_##hash, MBEDTLS_KEY_EXCHANGE_##exchange,                  \
   MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3, 0}

static const mbedtls_ssl_ciphersuite_t suites[] = {
    SUITE(ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, AES_256_GCM, SHA384, ECDHE_ECDSA),
    SUITE(ECDHE_RSA_WITH_AES_256_GCM_SHA384, AES_256_GCM, SHA384, ECDHE_RSA),
    SUITE(ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, CHACHA20_POLY1305, SHA256, ECDHE_ECDSA),
    SUITE(ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, CHACHA20_POLY1305, SHA256, ECDHE_RSA),
    SUITE(ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, AES_128_GCM, SHA256, ECDHE_ECDSA),
    SUITE(ECDHE_RSA_WITH_AES_128_GCM_SHA256, AES_128_GCM, SHA256, ECDHE_RSA),
    SUITE(ECDHE_ECDSA_WITH_AES_256_CBC_SHA384, AES_256_CBC, SHA384, ECDHE_ECDSA),
    SUITE(ECDHE_RSA_WITH_AES_256_CBC_SHA384, AES_256_CBC, SHA384, ECDHE_RSA),
    SUITE(ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, AES_128_CBC, SHA256, ECDHE_ECDSA),
    SUITE(ECDHE_RSA_WITH_AES_128_CBC_SHA256, AES_128_CBC, SHA256, ECDHE_RSA),
    SUITE(RSA_WITH_AES_256_GCM_SHA384, AES_256_GCM, SHA384, RSA),
    SUITE(RSA_WITH_AES_128_GCM_SHA256, AES_128_GCM, SHA256, RSA),
    SUITE(RSA_WITH_AES_128_CBC_SHA256, AES_128_CBC, SHA256, RSA),
};
enum { SUITES = sizeof suites / sizeof *suites };

const int *mbedtls_ssl_list_ciphersuites(void) {
  static int list[SUITES + 1];
  for (int index = 0; index < SUITES; index += 1) list[index] = suites[index].id;
  return list;
}

const mbedtls_ssl_ciphersuite_t *mbedtls_ssl_ciphersuite_from_id(int id) {
  for (int index = 0; index < SUITES; index += 1)
    if (suites[index].id == id) return &suites[index];
  return NULL;
}

mbedtls_pk_type_t mbedtls_ssl_get_ciphersuite_sig_pk_alg(const mbedtls_ssl_ciphersuite_t *suite) {
  return suite->key_exchange == MBEDTLS_KEY_EXCHANGE_ECDHE_ECDSA ? MBEDTLS_PK_ECDSA : MBEDTLS_PK_RSA;
}

int mbedtls_ssl_ciphersuite_uses_ec(const mbedtls_ssl_ciphersuite_t *suite) {
  return suite->key_exchange != MBEDTLS_KEY_EXCHANGE_RSA;
}

int mbedtls_ssl_ciphersuite_uses_psk(const mbedtls_ssl_ciphersuite_t *suite) {
  (void)suite;
  return 0;
}

/* Only for logs of mbedTLS. */
const char *mbedtls_ssl_get_ciphersuite_name(const int id) {
  (void)id;
  return "";
}
