/* Public-key signatures and certificates: mbedTLS does the arithmetic, JavaScript decides what to ask. */
#include "verify.h"
#include <errno.h>
#include <mbedtls/base64.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/oid.h>
#include <mbedtls/pk.h>
#include <mbedtls/x509_crt.h>
#include <stdlib.h>
#include <string.h>
#include "hash.h"

/* What any certificate may use: OpenSSL, the other host's library, takes the same. */
static const mbedtls_x509_crt_profile any_profile = {
    .allowed_mds = 0xfffffff,
    .allowed_pks = 0xfffffff,
    .allowed_curves = 0xfffffff,
    .rsa_min_bitlen = 1024,
};

/* A certificate from the base64 of its DER, as JSON web signatures and PEM files hold it. */
static int read_certificate(mbedtls_x509_crt *certificate, struct window window, double offset, double length) {
  if (!in_range(window, offset, length)) return -1;
  size_t size = (size_t)length / 4 * 3 + 3, used = 0;
  unsigned char *der = malloc(size);
  if (!der) return -1;
  int result = mbedtls_base64_decode(der, size, &used, window.bytes + (size_t)offset, (size_t)length);
  if (result == 0) result = mbedtls_x509_crt_parse_der(certificate, der, used);
  free(der);
  return result;
}

/* A key as PEM or DER: SubjectPublicKeyInfo, or a certificate whose key it is (result 1). The bytes need not end with NUL. */
static int read_key(mbedtls_pk_context *key, mbedtls_x509_crt *certificate, const unsigned char *bytes, size_t length) {
  unsigned char *text = malloc(length + 1);
  if (!text) return -ENOMEM;
  memcpy(text, bytes, length);
  text[length] = 0;
  /* mbedTLS takes PEM with its NUL and DER without. */
  int is_text = strstr((char *)text, "-----BEGIN") != NULL;
  int result = mbedtls_pk_parse_public_key(key, text, length + (is_text ? 1 : 0));
  if (result != 0 && mbedtls_x509_crt_parse(certificate, text, length + (is_text ? 1 : 0)) == 0) result = 1;
  free(text);
  return result;
}

/* An ECDSA signature as the two halves r and s, each as long as the order of the curve. */
static int verify_halves(mbedtls_pk_context *key, const unsigned char *hash, size_t hash_length, const unsigned char *signature, size_t length) {
  mbedtls_ecp_keypair *pair = mbedtls_pk_ec(*key);
  size_t half = (pair->grp.nbits + 7) / 8;
  if (length != 2 * half) return -1;
  mbedtls_mpi r, s;
  mbedtls_mpi_init(&r);
  mbedtls_mpi_init(&s);
  int result = mbedtls_mpi_read_binary(&r, signature, half);
  if (result == 0) result = mbedtls_mpi_read_binary(&s, signature + half, half);
  if (result == 0) result = mbedtls_ecdsa_verify(&pair->grp, hash, hash_length, &pair->Q, &r, &s);
  mbedtls_mpi_free(&r);
  mbedtls_mpi_free(&s);
  return result;
}

/*
 * verifySignature(key: PEM, DER or a certificate as PEM, key length, bits of the digest, digest, signature, signature length): 1 when it fits, 0 when not, -EINVAL for
 * a key that cannot be read, -EKEYREJECTED (-129) for one that cannot sign this way.
 */
double door_verify_signature(struct window window, const double *arguments) {
  const mbedtls_md_info_t *digest = digest_of(arguments[2]);
  size_t hash_length = mbedtls_md_get_size(digest), length = (size_t)arguments[5];
  if (!in_range(window, arguments[0], arguments[1]) || !in_range(window, arguments[3], (double)hash_length) ||
      !in_range(window, arguments[4], arguments[5]))
    return -EINVAL;
  const unsigned char *hash = window.bytes + (size_t)arguments[3], *signature = window.bytes + (size_t)arguments[4];
  mbedtls_pk_context own;
  mbedtls_x509_crt certificate;
  mbedtls_pk_init(&own);
  mbedtls_x509_crt_init(&certificate);
  int kind = read_key(&own, &certificate, window.bytes + (size_t)arguments[0], (size_t)arguments[1]);
  mbedtls_pk_context *key = kind == 1 ? &certificate.pk : &own;
  double result = -EINVAL;
  if (kind == 0 || kind == 1) {
    int is_rsa = mbedtls_pk_can_do(key, MBEDTLS_PK_RSA), is_ec = mbedtls_pk_can_do(key, MBEDTLS_PK_ECDSA);
    result = is_rsa || is_ec ? 0 : -EKEYREJECTED;
    if (result == 0 && mbedtls_pk_verify(key, mbedtls_md_get_type(digest), hash, hash_length, signature, length) == 0) result = 1;
    if (result == 0 && is_ec && verify_halves(key, hash, hash_length, signature, length) == 0) result = 1;
  }
  mbedtls_pk_free(&own);
  mbedtls_x509_crt_free(&certificate);
  return result;
}

/* verifyIssued(certificate, length, issuer, length), both base64: 1 when the issuer signed it and may, 0 when not, -EINVAL for what is no certificate. */
double door_verify_issued(struct window window, const double *arguments) {
  mbedtls_x509_crt certificate, issuer;
  mbedtls_x509_crt_init(&certificate);
  mbedtls_x509_crt_init(&issuer);
  double result = -EINVAL;
  if (read_certificate(&certificate, window, arguments[0], arguments[1]) == 0 &&
      read_certificate(&issuer, window, arguments[2], arguments[3]) == 0) {
    /* A device may have no clock when it boots: dates do not count. */
    const uint32_t dates = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;
    uint32_t flags = 0;
    int checked = mbedtls_x509_crt_verify_with_profile(&certificate, &issuer, NULL, &any_profile, NULL, &flags, NULL, NULL);
    result = (checked == 0 || checked == MBEDTLS_ERR_X509_CERT_VERIFY_FAILED) && (flags & ~dates) == 0;
  }
  mbedtls_x509_crt_free(&certificate);
  mbedtls_x509_crt_free(&issuer);
  return result;
}

/* commonName(certificate in base64, length, to): writes the last common name of the subject as UTF-8 and returns its length; -ENODATA without one, -EINVAL. */
double door_common_name(struct window window, const double *arguments) {
  mbedtls_x509_crt certificate;
  mbedtls_x509_crt_init(&certificate);
  double result = -EINVAL;
  if (read_certificate(&certificate, window, arguments[0], arguments[1]) == 0) {
    result = -ENODATA;
    for (const mbedtls_x509_name *name = &certificate.subject; name; name = name->next) {
      if (MBEDTLS_OID_CMP(MBEDTLS_OID_AT_CN, &name->oid) != 0 || !in_range(window, arguments[2], (double)name->val.len)) continue;
      memcpy(window.bytes + (size_t)arguments[2], name->val.p, name->val.len);
      result = (double)name->val.len;
    }
  }
  mbedtls_x509_crt_free(&certificate);
  return result;
}
