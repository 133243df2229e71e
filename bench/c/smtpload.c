/*
 * smtpload: an SMTP load generator that measures every message. One blocking thread per session, no pipelining, loopback only.
 *
 * usage: smtpload [-s sessions] [-m messages] [-w warm-up messages] [-l bytes] [-f header fields] [-r Mbit/s] [-c] [-g] PORT
 *   -f  header fields of a message, from 5 (default) to 1000
 *   -r  send the content at this pace and the final dot by itself (default: everything in one write)
 *   -c  a new connection for every message (default: one connection per session, kept)
 *   -g  after the warm-up print "ready" and wait for a line on standard input before the measured messages
 *
 * Prints one line of JSON: messages answered 250, errors, seconds, messages a second, and in milliseconds the distribution of
 * "dot" (from the write that holds the final dot to its reply) and "message" (from MAIL, or from connect with -c, to that reply).
 * Exit code 1 when a message failed, 2 on wrong usage. Gives up after 200 errors; no wait is longer than 120 s.
 *
 * build: cc -O2 -pthread -o smtpload smtpload.c
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ERRORS = 200, REPLY_MAX = 8192, WAIT_SECONDS = 120, LEAST_FIELDS = 5, MOST_FIELDS = 1000, FIELD_ROOM = 80, PACED = 16384 };

struct connection {
  int fd;
  int used;
  char bytes[REPLY_MAX];
};

static int sessions = 1, port, new_connections, gate;
static long warm_up, messages = 100, length = 4096, fields = LEAST_FIELDS;
static double pace;
static char *content;
static size_t content_length;
static double *dot_seconds, *message_seconds;
static atomic_long taken, finished, errors;
static pthread_mutex_t error_lock = PTHREAD_MUTEX_INITIALIZER;
static char last_error[200];
static pthread_barrier_t barrier;

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void complain(const char *what, size_t n)
{
  pthread_mutex_lock(&error_lock);
  if (n >= sizeof last_error) n = sizeof last_error - 1;
  for (size_t i = 0; i < n; i++) {
    char c = what[i];
    last_error[i] = c < ' ' || c == '"' || c == '\\' ? '?' : c;
  }
  last_error[n] = 0;
  pthread_mutex_unlock(&error_lock);
}

static int send_all(struct connection *c, const char *bytes, size_t n)
{
  while (n > 0) {
    ssize_t sent = send(c->fd, bytes, n, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return -1;
    bytes += sent;
    n -= (size_t)sent;
  }
  return 0;
}

/* Reads one reply, all its lines; its code, or -1. */
static int read_reply(struct connection *c)
{
  for (;;) {
    char *line = c->bytes, *end;
    while ((end = memchr(line, '\n', (size_t)(c->bytes + c->used - line))) != NULL) {
      if (end - line >= 4 && line[3] == ' ') {
        int code = atoi(line);
        if (code >= 400) complain(line, (size_t)(end - line));
        int eaten = (int)(end + 1 - c->bytes);
        memmove(c->bytes, c->bytes + eaten, (size_t)(c->used - eaten));
        c->used -= eaten;
        return code;
      }
      line = end + 1;
    }
    if (c->used == REPLY_MAX) return -1;
    ssize_t got = recv(c->fd, c->bytes + c->used, (size_t)(REPLY_MAX - c->used), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) {
      const char *why = got == 0 ? "connection closed" : strerror(errno);
      complain(why, strlen(why));
      return -1;
    }
    c->used += (int)got;
  }
}

static int command(struct connection *c, const char *line, int expected)
{
  return send_all(c, line, strlen(line)) == 0 && read_reply(c) == expected ? 0 : -1;
}

static int open_connection(struct connection *c)
{
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  struct timeval limit = {WAIT_SECONDS, 0};
  int on = 1;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  c->used = 0;
  c->fd = socket(AF_INET, SOCK_STREAM, 0);
  if (c->fd < 0) return -1;
  setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  if (connect(c->fd, (struct sockaddr *)&to, sizeof to) == 0 && read_reply(c) == 220 &&
      command(c, "EHLO load.test\r\n", 250) == 0)
    return 0;
  if (last_error[0] == 0) complain("connect", 7);
  close(c->fd);
  return -1;
}

/* Sends the content without its final dot at the pace that was asked for, by the clock, so that delays do not add up. */
static int send_paced(struct connection *c, size_t n)
{
  double began = now();
  for (size_t sent = 0; sent < n;) {
    size_t piece = n - sent < PACED ? n - sent : PACED;
    double due = began + sent * 8 / (pace * 1e6), wait = due - now();
    if (wait > 0) {
      struct timespec t = {(time_t)wait, (long)((wait - (time_t)wait) * 1e9)};
      nanosleep(&t, NULL);
    }
    if (send_all(c, content + sent, piece) != 0) return -1;
    sent += piece;
  }
  return 0;
}

/* One transaction; 0 when the final reply was 250. `dot` becomes the seconds from the write of the final dot to that reply. */
static int send_message(struct connection *c, double *dot)
{
  if (command(c, "MAIL FROM:<a@load.test>\r\n", 250) != 0 || command(c, "RCPT TO:<r@sink.test>\r\n", 250) != 0 ||
      command(c, "DATA\r\n", 354) != 0)
    return -1;
  size_t before = pace > 0 ? content_length - 3 : 0;
  if (before > 0 && send_paced(c, before) != 0) return -1;
  double began = now();
  if (send_all(c, content + before, content_length - before) != 0) return -1;
  int code = read_reply(c);
  *dot = now() - began;
  return code == 250 ? 0 : -1;
}

/* Takes numbers until `limit` are taken; measured messages are those of the second round. */
static void send_round(struct connection *c, int *open, long limit, int measured)
{
  while (atomic_fetch_add(&taken, 1) < limit && atomic_load(&errors) < MAX_ERRORS) {
    double began = now(), dot = 0;
    if (!*open) {
      if (open_connection(c) != 0) {
        atomic_fetch_add(&errors, 1);
        continue;
      }
      *open = 1;
      if (!new_connections) began = now();
    }
    int ok = send_message(c, &dot) == 0;
    if (!ok) {
      atomic_fetch_add(&errors, 1);
    } else if (measured) {
      long i = atomic_fetch_add(&finished, 1);
      dot_seconds[i] = dot;
      message_seconds[i] = now() - began;
    }
    if (!ok || new_connections) {
      if (ok) command(c, "QUIT\r\n", 221);
      close(c->fd);
      *open = 0;
    }
  }
}

static void *session(void *unused)
{
  struct connection *c = malloc(sizeof *c);
  int open = 0;
  (void)unused;
  if (c == NULL) exit(2);
  if (!new_connections && open_connection(c) == 0) open = 1;
  for (int measured = 0; measured < 2; measured++) {
    pthread_barrier_wait(&barrier);
    send_round(c, &open, measured ? messages : warm_up, measured);
    pthread_barrier_wait(&barrier);
  }
  if (open) {
    command(c, "QUIT\r\n", 221);
    close(c->fd);
  }
  free(c);
  return NULL;
}

static void make_content(void)
{
  static const char *const words[] = {"alpha", "gateway", "message", "filter", "queue",
                                      "delivery", "header", "simple", "loopback", "measure"};
  unsigned seed = 12345;
  size_t n;
  content = malloc((size_t)length + (size_t)fields * FIELD_ROOM + 1024);
  if (content == NULL) exit(2);
  n = (size_t)sprintf(content, "From: Load <a@load.test>\r\nTo: Sink <r@sink.test>\r\nSubject: a message of the bench\r\n"
                               "Date: Mon, 06 Jan 2025 10:00:00 +0000\r\nMessage-ID: <bench@load.test>\r\n");
  for (long i = LEAST_FIELDS; i < fields; i++)
    n += (size_t)sprintf(content + n, "X-Bench-%ld: one more field of the header\r\n", i + 1);
  n += (size_t)sprintf(content + n, "\r\n");
  while (n + 2 < (size_t)length) {
    size_t line = 0;
    while (line < 64 && n + line + 2 < (size_t)length) {
      seed = seed * 1103515245u + 12345u;
      line += (size_t)sprintf(content + n + line, "%s ", words[(seed >> 16) % 10]);
    }
    n += line;
    n += (size_t)sprintf(content + n, "\r\n");
  }
  content_length = n + (size_t)sprintf(content + n, ".\r\n");
}

static int by_size(const void *a, const void *b)
{
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

static void print_distribution(const char *name, double *seconds, long n)
{
  qsort(seconds, (size_t)n, sizeof *seconds, by_size);
  printf(",\"%s\":{\"p50\":%.3f,\"p90\":%.3f,\"p99\":%.3f,\"max\":%.3f}", name, n ? seconds[n / 2] * 1e3 : 0,
         n ? seconds[n * 9 / 10] * 1e3 : 0, n ? seconds[n * 99 / 100] * 1e3 : 0, n ? seconds[n - 1] * 1e3 : 0);
}

static int read_options(int argc, char **argv)
{
  int option;
  while ((option = getopt(argc, argv, "s:m:w:l:f:r:cg")) > 0) {
    switch (option) {
    case 's': sessions = atoi(optarg); break;
    case 'm': messages = atol(optarg); break;
    case 'w': warm_up = atol(optarg); break;
    case 'l': length = atol(optarg); break;
    case 'f': fields = atol(optarg); break;
    case 'r': pace = atof(optarg); break;
    case 'c': new_connections = 1; break;
    case 'g': gate = 1; break;
    default: return -1;
    }
  }
  if (optind + 1 != argc) return -1;
  port = atoi(argv[optind]);
  if (fields < LEAST_FIELDS || fields > MOST_FIELDS || pace < 0) return -1;
  return port > 0 && sessions > 0 && sessions <= 2000 && messages > 0 && warm_up >= 0 && length >= 256 ? 0 : -1;
}

int main(int argc, char **argv)
{
  pthread_attr_t small;
  if (read_options(argc, argv) != 0) {
    fprintf(stderr, "usage: smtpload [-s sessions] [-m messages] [-w warm-up] [-l bytes] [-f fields] [-r Mbit/s] [-c] [-g] PORT\n");
    return 2;
  }
  make_content();
  dot_seconds = calloc((size_t)messages, sizeof *dot_seconds);
  message_seconds = calloc((size_t)messages, sizeof *message_seconds);
  pthread_t *threads = calloc((size_t)sessions, sizeof *threads);
  if (dot_seconds == NULL || message_seconds == NULL || threads == NULL) return 2;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 131072);
  pthread_barrier_init(&barrier, NULL, (unsigned)sessions + 1);
  for (int i = 0; i < sessions; i++)
    if (pthread_create(&threads[i], &small, session, NULL) != 0) return 2;
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  atomic_store(&taken, 0);
  if (gate) {
    printf("ready\n");
    fflush(stdout);
    while (getchar() != '\n' && !feof(stdin)) continue;
  }
  double began = now();
  pthread_barrier_wait(&barrier);
  pthread_barrier_wait(&barrier);
  double seconds = now() - began;
  for (int i = 0; i < sessions; i++) pthread_join(threads[i], NULL);
  long n = atomic_load(&finished);
  printf("{\"sessions\":%d,\"messages\":%ld,\"errors\":%ld,\"bytes\":%zu,\"seconds\":%.4f,\"rate\":%.2f", sessions, n,
         (long)atomic_load(&errors), content_length - 3, seconds, n / seconds);
  print_distribution("dot", dot_seconds, n);
  print_distribution("message", message_seconds, n);
  printf(",\"lastError\":\"%s\"}\n", last_error);
  return atomic_load(&errors) > 0 ? 1 : 0;
}
