/*
 * smtpload: an SMTP load generator that measures every message. All sessions in one thread that waits for all of them at once, so
 * that it takes little of the processors it shares with what is measured; no pipelining, loopback only.
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
 * build: cc -O2 -o smtpload smtpload.c
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_ERRORS = 200, REPLY_MAX = 8192, WAIT_SECONDS = 120, LEAST_FIELDS = 5, MOST_FIELDS = 1000, FIELD_ROOM = 80, PACED = 16384, EVENTS = 256 };

/* What a session waits for: nothing (it has no work), a reply, or that it may go on writing. */
enum step { IDLE, GREETING, HELLO, SENDER, RECIPIENT, DATA, CONTENT, GOODBYE };

struct session {
  int fd;                 /* -1: not connected */
  enum step step;         /* the reply that is waited for */
  int used;               /* bytes of a reply so far */
  const char *out;        /* what is still to be written */
  size_t left;
  size_t sent;            /* of paced content */
  int watched;            /* what epoll watches */
  double began, content_began, dot_began, heard;
  char bytes[REPLY_MAX];
};

static int sessions = 1, port, new_connections, gate, poll_fd, measured;
static long warm_up, messages = 100, length = 4096, fields = LEAST_FIELDS;
static double pace;
static char *content;
static size_t content_length;
static double *dot_seconds, *message_seconds;
static long taken, limit, under_way, finished, errors;
static char last_error[200];

static double now(void)
{
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void complain(const char *what, size_t n)
{
  if (n >= sizeof last_error) n = sizeof last_error - 1;
  for (size_t i = 0; i < n; i++) {
    char c = what[i];
    last_error[i] = c < ' ' || c == '"' || c == '\\' ? '?' : c;
  }
  last_error[n] = 0;
}

static void watch(struct session *s, int events)
{
  struct epoll_event e = {.events = (unsigned)events, .data.ptr = s};
  if (s->watched == events) return;
  epoll_ctl(poll_fd, s->watched == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, s->fd, &e);
  s->watched = events;
}

static void hang_up(struct session *s)
{
  if (s->fd >= 0) close(s->fd);
  s->fd = -1;
  s->watched = s->used = 0;
  s->left = 0;
  s->step = IDLE;
}

/* Messages of the round are left to be taken. */
static int has_more(void) { return taken < limit && errors < MAX_ERRORS; }

static void next_message(struct session *s);

/* The connection of a session is lost, and with it the message it is at, if it is at one. */
static void failed(struct session *s)
{
  int lost = limit > 0 && s->step >= GREETING && s->step <= CONTENT;
  hang_up(s);
  if (!lost) return;
  errors++;
  under_way--;
}

/* Writes what is there to write; what does not fit waits for room. */
static void push(struct session *s)
{
  while (s->left > 0) {
    ssize_t n = send(s->fd, s->out, s->left, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return watch(s, EPOLLIN | EPOLLOUT);
    if (n <= 0) {
      complain(strerror(errno), strlen(strerror(errno)));
      return failed(s);
    }
    s->out += n;
    s->left -= (size_t)n;
  }
  watch(s, EPOLLIN);
}

static void say(struct session *s, const char *bytes, size_t n, enum step step)
{
  s->out = bytes;
  s->left = n;
  s->step = step;
  push(s);
}

static void say_line(struct session *s, const char *line, enum step step) { say(s, line, strlen(line), step); }

static void connect_session(struct session *s)
{
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((unsigned short)port)};
  int on = 1;
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  s->heard = now();
  s->step = GREETING;
  if (s->fd >= 0) setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (s->fd < 0 || connect(s->fd, (struct sockaddr *)&to, sizeof to) != 0 || fcntl(s->fd, F_SETFL, O_NONBLOCK) != 0) {
    complain("connect", 7);
    return failed(s);
  }
  watch(s, EPOLLIN);
}

/* Sends as much of the content as its pace allows by now, so that delays do not add up; the final dot goes by itself. */
static void send_paced(struct session *s)
{
  size_t before = content_length - 3;
  while (s->left == 0 && s->sent < before && now() >= s->content_began + s->sent * 8 / (pace * 1e6)) {
    size_t piece = before - s->sent < PACED ? before - s->sent : PACED;
    const char *from = content + s->sent;
    s->sent += piece;
    say(s, from, piece, CONTENT);
    if (s->fd < 0) return;
  }
  if (s->left == 0 && s->sent == before) {
    s->sent = content_length;
    s->dot_began = now();
    say(s, content + before, 3, CONTENT);
  }
}

static void send_content(struct session *s)
{
  s->content_began = s->dot_began = now();
  s->sent = 0;
  if (pace > 0) {
    s->step = CONTENT;
    return send_paced(s);
  }
  s->sent = content_length;
  say(s, content, content_length, CONTENT);
}

static void finish_message(struct session *s)
{
  under_way--;
  if (measured) {
    dot_seconds[finished] = now() - s->dot_began;
    message_seconds[finished++] = now() - s->began;
  }
  if (new_connections) say_line(s, "QUIT\r\n", GOODBYE);
  else next_message(s);
}

/* Takes the next message of the round, or none. */
static void next_message(struct session *s)
{
  s->step = IDLE;
  if (!has_more()) return;
  taken++;
  under_way++;
  s->began = s->heard = now();
  if (s->fd < 0) return connect_session(s);
  say_line(s, "MAIL FROM:<a@load.test>\r\n", SENDER);
}

static void answered(struct session *s, int code, const char *line, size_t n)
{
  static const int expected[] = {0, 220, 250, 250, 250, 354, 250, 221};
  s->heard = now();
  if (code != expected[s->step]) {
    complain(line, n);
    return failed(s);
  }
  switch (s->step) {
  case GREETING: return say_line(s, "EHLO load.test\r\n", HELLO);
  case HELLO:
    if (limit == 0) {
      s->step = IDLE;
      return;
    }
    if (!new_connections) s->began = now();
    return say_line(s, "MAIL FROM:<a@load.test>\r\n", SENDER);
  case SENDER: return say_line(s, "RCPT TO:<r@sink.test>\r\n", RECIPIENT);
  case RECIPIENT: return say_line(s, "DATA\r\n", DATA);
  case DATA: return send_content(s);
  case CONTENT: return finish_message(s);
  case GOODBYE:
    hang_up(s);
    return next_message(s);
  case IDLE: return;
  }
}

/* Reads what is there; a reply is known to be whole by its last line. */
static void hear(struct session *s)
{
  ssize_t got = recv(s->fd, s->bytes + s->used, (size_t)(REPLY_MAX - s->used), 0);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
  if (got <= 0) {
    const char *why = got == 0 ? "connection closed" : strerror(errno);
    complain(why, strlen(why));
    return failed(s);
  }
  s->used += (int)got;
  char *line = s->bytes, *end;
  while ((end = memchr(line, '\n', (size_t)(s->bytes + s->used - line))) != NULL) {
    if (end - line >= 4 && line[3] == ' ') {
      s->used = 0; /* one reply to one command: nothing comes behind it */
      return answered(s, atoi(line), line, (size_t)(end - line));
    }
    line = end + 1;
  }
  if (s->used == REPLY_MAX) failed(s);
}

/* Milliseconds until a session that lost its connection, or a paced one, may go on; at most a second. */
static int patience(struct session *all)
{
  double soonest = 1;
  for (int i = 0; i < sessions; i++) {
    struct session *s = &all[i];
    if (s->fd < 0 && has_more()) return 0;
    if (s->step != CONTENT || s->left > 0 || s->sent >= content_length) continue;
    double wait = s->content_began + s->sent * 8 / (pace * 1e6) - now();
    if (wait < soonest) soonest = wait;
  }
  return soonest <= 0 ? 0 : (int)(soonest * 1000) + 1;
}

/* Goes on until `busy` says that nothing is left to do. */
static void attend(struct session *all, int (*busy)(struct session *))
{
  struct epoll_event events[EVENTS];
  while (busy(all)) {
    int n = epoll_wait(poll_fd, events, EVENTS, patience(all));
    for (int i = 0; i < n; i++) {
      struct session *s = events[i].data.ptr;
      if (s->fd >= 0 && events[i].events & EPOLLOUT) push(s);
      if (s->fd >= 0 && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) hear(s);
    }
    double late = now() - WAIT_SECONDS;
    for (int i = 0; i < sessions; i++) {
      struct session *s = &all[i];
      if (pace > 0 && s->fd >= 0 && s->step == CONTENT && s->left == 0 && s->sent < content_length) send_paced(s);
      if (s->fd >= 0 && s->step != IDLE && s->heard < late) {
        complain("no reply", 8);
        failed(s);
      }
      if (s->fd < 0 && has_more()) next_message(s);
    }
  }
}

static int connecting(struct session *all)
{
  for (int i = 0; i < sessions; i++)
    if (all[i].fd >= 0 && all[i].step != IDLE) return 1;
  return 0;
}

static int sending(struct session *all)
{
  if (under_way > 0) return 1;
  if (has_more()) return 1;
  return new_connections && connecting(all);
}

static void send_round(struct session *all, long count, int counts)
{
  measured = counts;
  taken = 0;
  limit = count;
  for (int i = 0; i < sessions; i++) next_message(&all[i]);
  attend(all, sending);
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
  if (read_options(argc, argv) != 0) {
    fprintf(stderr, "usage: smtpload [-s sessions] [-m messages] [-w warm-up] [-l bytes] [-f fields] [-r Mbit/s] [-c] [-g] PORT\n");
    return 2;
  }
  make_content();
  dot_seconds = calloc((size_t)messages, sizeof *dot_seconds);
  message_seconds = calloc((size_t)messages, sizeof *message_seconds);
  struct session *all = calloc((size_t)sessions, sizeof *all);
  poll_fd = epoll_create1(EPOLL_CLOEXEC);
  if (dot_seconds == NULL || message_seconds == NULL || all == NULL || poll_fd < 0) return 2;
  for (int i = 0; i < sessions; i++) {
    all[i].fd = -1;
    if (!new_connections) connect_session(&all[i]);
  }
  attend(all, connecting);
  if (warm_up > 0) send_round(all, warm_up, 0);
  if (gate) {
    printf("ready\n");
    fflush(stdout);
    while (getchar() != '\n' && !feof(stdin)) continue;
  }
  double began = now();
  send_round(all, messages, 1);
  double seconds = now() - began;
  for (int i = 0; i < sessions; i++)
    if (all[i].fd >= 0 && all[i].step == IDLE) say_line(&all[i], "QUIT\r\n", GOODBYE);
  limit = 0;
  attend(all, connecting);
  printf("{\"sessions\":%d,\"messages\":%ld,\"errors\":%ld,\"bytes\":%zu,\"seconds\":%.4f,\"rate\":%.2f", sessions, finished,
         errors, content_length - 3, seconds, finished / seconds);
  print_distribution("dot", dot_seconds, finished);
  print_distribution("message", message_seconds, finished);
  printf(",\"lastError\":\"%s\"}\n", last_error);
  return errors > 0 ? 1 : 0;
}
