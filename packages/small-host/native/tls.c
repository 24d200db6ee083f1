/*
 * TLS as a client over a connected, non-blocking socket (RFC 5246), with mbedTLS. The certificate of the server must lead to an
 * authority and carry its name: there is no way to switch that off. Sessions are slots of a small table, as in hash.c.
 *
 * -EAGAIN: call again with the same arguments when the socket is ready for anything; -EKEYREJECTED: the certificate is not trusted;
 * -ECONNRESET: the connection broke; -EPROTO: what came is no TLS.
 */
#include "tls.h"
#include <errno.h>
#include <mbedtls/error.h>
#include <mbedtls/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SESSIONS = 16, LONGEST_NAME = 255 };

struct session {
  int descriptor;
  mbedtls_ssl_context ssl;
  mbedtls_ssl_config config;
  mbedtls_x509_crt authorities;
};

static struct session *sessions[SESSIONS];

/* Where distributions keep the authorities that everybody trusts. */
static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/cert.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
};

/* Of the kernel, which waits until it has collected enough after a start of the machine. */
static int random_bytes(void *context, unsigned char *bytes, size_t length) {
  (void)context;
  for (size_t done = 0; done < length;) {
    ssize_t count = getrandom(bytes + done, length - done, 0);
    if (count < 0 && errno != EINTR) return MBEDTLS_ERR_SSL_HW_ACCEL_FAILED;
    if (count > 0) done += (size_t)count;
  }
  return 0;
}

static struct session *session_of(double number) {
  int slot = (int)number - 1;
  return slot >= 0 && slot < SESSIONS ? sessions[slot] : NULL;
}

static int send_bytes(void *context, const unsigned char *bytes, size_t length) {
  ssize_t count = send(*(int *)context, bytes, length, MSG_NOSIGNAL);
  if (count >= 0) return (int)count;
  return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_WRITE : MBEDTLS_ERR_SSL_CONN_EOF;
}

static int receive_bytes(void *context, unsigned char *bytes, size_t length) {
  ssize_t count = recv(*(int *)context, bytes, length, 0);
  if (count >= 0) return (int)count;
  return errno == EAGAIN || errno == EINTR ? MBEDTLS_ERR_SSL_WANT_READ : MBEDTLS_ERR_SSL_CONN_EOF;
}

static double outcome(int result) {
  switch (result) {
    case MBEDTLS_ERR_SSL_WANT_READ:
    case MBEDTLS_ERR_SSL_WANT_WRITE: return -EAGAIN;
    case MBEDTLS_ERR_X509_CERT_VERIFY_FAILED: return -EKEYREJECTED;
    case MBEDTLS_ERR_SSL_CONN_EOF: return -ECONNRESET;
    default: return -EPROTO;
  }
}

static void free_session(struct session *session) {
  mbedtls_ssl_free(&session->ssl);
  mbedtls_ssl_config_free(&session->config);
  mbedtls_x509_crt_free(&session->authorities);
  free(session);
}

/* Reads authorities as PEM; those that cannot be read trust nobody. -1 when none is left. */
static int read_authorities(mbedtls_x509_crt *authorities, const unsigned char *pem, size_t length) {
  if (length == 0) {
    for (size_t index = 0; index < sizeof bundles / sizeof *bundles; index += 1)
      if (mbedtls_x509_crt_parse_file(authorities, bundles[index]) >= 0) return 0;
    return -1;
  }
  unsigned char *text = malloc(length + 1);
  if (!text) return -1;
  memcpy(text, pem, length);
  text[length] = 0;
  int result = mbedtls_x509_crt_parse(authorities, text, length + 1);
  free(text);
  return result < 0 || authorities->version == 0 ? -1 : 0;
}

static int set_up(struct session *session, const char *name) {
  if (mbedtls_ssl_config_defaults(&session->config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT) != 0)
    return -1;
  mbedtls_ssl_conf_authmode(&session->config, MBEDTLS_SSL_VERIFY_REQUIRED);
  mbedtls_ssl_conf_min_version(&session->config, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
  mbedtls_ssl_conf_ca_chain(&session->config, &session->authorities, NULL);
  mbedtls_ssl_conf_rng(&session->config, random_bytes, NULL);
  if (mbedtls_ssl_setup(&session->ssl, &session->config) != 0 || mbedtls_ssl_set_hostname(&session->ssl, name) != 0) return -1;
  mbedtls_ssl_set_bio(&session->ssl, &session->descriptor, send_bytes, receive_bytes, NULL);
  return 0;
}

/* tlsOpen(descriptor, name of the server, length, authorities as PEM, length or 0 for the system's): a session number; -EMFILE, -ENOMEM, -EKEYREJECTED. */
double door_tls_open(struct window window, const double *arguments) {
  if (!in_range(window, arguments[1], arguments[2]) || !in_range(window, arguments[3], arguments[4])) return -EINVAL;
  char name[LONGEST_NAME + 1];
  size_t length = (size_t)arguments[2];
  if (length > LONGEST_NAME) return -EINVAL;
  memcpy(name, window.bytes + (size_t)arguments[1], length);
  name[length] = 0;
  int slot = 0;
  while (slot < SESSIONS && sessions[slot]) slot += 1;
  if (slot == SESSIONS) return -EMFILE;
  struct session *session = calloc(1, sizeof *session);
  if (!session) return -ENOMEM;
  session->descriptor = (int)arguments[0];
  mbedtls_ssl_init(&session->ssl);
  mbedtls_ssl_config_init(&session->config);
  mbedtls_x509_crt_init(&session->authorities);
  double result = 0;
  if (read_authorities(&session->authorities, window.bytes + (size_t)arguments[3], (size_t)arguments[4]) != 0) result = -EKEYREJECTED;
  else if (set_up(session, name) != 0) result = -ENOMEM;
  if (result != 0) {
    free_session(session);
    return result;
  }
  sessions[slot] = session;
  return slot + 1;
}

/* tlsHandshake(session): 0 when both sides agree and the certificate is good. */
double door_tls_handshake(struct window window, const double *arguments) {
  (void)window;
  struct session *session = session_of(arguments[0]);
  if (!session) return -EINVAL;
  int result = mbedtls_ssl_handshake(&session->ssl);
  return result == 0 ? 0 : outcome(result);
}

/* tlsRead(session, to, limit): bytes, 0 when the server has said that there are no more. */
double door_tls_read(struct window window, const double *arguments) {
  struct session *session = session_of(arguments[0]);
  if (!session || !in_range(window, arguments[1], arguments[2])) return -EINVAL;
  int result = mbedtls_ssl_read(&session->ssl, window.bytes + (size_t)arguments[1], (size_t)arguments[2]);
  if (result == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) return 0;
  /* An end without farewell may be an attacker's: it must not pass for the end of the content. */
  if (result == 0) return -ECONNRESET;
  return result > 0 ? result : outcome(result);
}

/* tlsWrite(session, from, length): bytes sent. */
double door_tls_write(struct window window, const double *arguments) {
  struct session *session = session_of(arguments[0]);
  if (!session || !in_range(window, arguments[1], arguments[2])) return -EINVAL;
  int result = mbedtls_ssl_write(&session->ssl, window.bytes + (size_t)arguments[1], (size_t)arguments[2]);
  return result >= 0 ? result : outcome(result);
}

/* tlsClose(session): says farewell if there is room for it, and frees the session; the descriptor stays open. */
double door_tls_close(struct window window, const double *arguments) {
  (void)window;
  struct session *session = session_of(arguments[0]);
  if (!session) return -EINVAL;
  mbedtls_ssl_close_notify(&session->ssl);
  free_session(session);
  sessions[(int)arguments[0] - 1] = NULL;
  return 0;
}
