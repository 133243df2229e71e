/*
 * noop-filter: the filter of the bench, on Sendmail's libmilter. It registers every callback and continues at each, so it costs an
 * MTA all the round trips of the protocol and no work.
 *
 * usage: noop-filter [-n] [-a] [-t milliseconds] inet:PORT@127.0.0.1
 *   -n  take every no-reply flag the MTA offers, so that only end of message is answered
 *   -a  take only the right to add header fields, as a scanner does (default: every right that is offered)
 *   -t  sleep this long at end of message before the answer
 *
 * build: cc -O2 -o noop-filter noop-filter.c -lmilter -lpthread
 * Exit code 1 when the socket cannot be had, 2 on wrong usage.
 */
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int no_reply, only_adds;
static long sleep_ms;

static const unsigned long NR_ALL = SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_DATA |
                                    SMFIP_NR_UNKN | SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY;

static sfsistat negotiate(SMFICTX *ctx, unsigned long actions, unsigned long protocol, unsigned long f2,
                          unsigned long f3, unsigned long *want_actions, unsigned long *want_protocol,
                          unsigned long *want2, unsigned long *want3)
{
  (void)ctx; (void)f2; (void)f3;
  *want_actions = only_adds ? actions & SMFIF_ADDHDRS : actions;
  *want_protocol = no_reply ? protocol & NR_ALL : 0;
  *want2 = *want3 = 0;
  return SMFIS_CONTINUE;
}

static sfsistat next(void) { return no_reply ? SMFIS_NOREPLY : SMFIS_CONTINUE; }
static sfsistat on_connect(SMFICTX *c, char *host, _SOCK_ADDR *a) { (void)c; (void)host; (void)a; return next(); }
static sfsistat on_helo(SMFICTX *c, char *name) { (void)c; (void)name; return next(); }
static sfsistat on_mail(SMFICTX *c, char **args) { (void)c; (void)args; return next(); }
static sfsistat on_rcpt(SMFICTX *c, char **args) { (void)c; (void)args; return next(); }
static sfsistat on_data(SMFICTX *c) { (void)c; return next(); }
static sfsistat on_unknown(SMFICTX *c, const char *line) { (void)c; (void)line; return next(); }
static sfsistat on_header(SMFICTX *c, char *name, char *value) { (void)c; (void)name; (void)value; return next(); }
static sfsistat on_eoh(SMFICTX *c) { (void)c; return next(); }
static sfsistat on_body(SMFICTX *c, unsigned char *chunk, size_t n) { (void)c; (void)chunk; (void)n; return next(); }

static sfsistat on_end(SMFICTX *c)
{
  struct timespec left = {sleep_ms / 1000, sleep_ms % 1000 * 1000000};
  (void)c;
  while (sleep_ms > 0 && nanosleep(&left, &left) != 0 && errno == EINTR) continue;
  return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
  int option;
  while ((option = getopt(argc, argv, "nat:")) > 0) {
    switch (option) {
    case 'n': no_reply = 1; break;
    case 'a': only_adds = 1; break;
    case 't': sleep_ms = atol(optarg); break;
    default: return 2;
    }
  }
  if (optind + 1 != argc || sleep_ms < 0 || sleep_ms > 60000) return 2;
  struct smfiDesc filter;
  memset(&filter, 0, sizeof filter);
  filter.xxfi_name = "bench";
  filter.xxfi_version = SMFI_VERSION;
  filter.xxfi_flags = only_adds ? SMFIF_ADDHDRS : SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_CHGBODY;
  filter.xxfi_connect = on_connect;
  filter.xxfi_helo = on_helo;
  filter.xxfi_envfrom = on_mail;
  filter.xxfi_envrcpt = on_rcpt;
  filter.xxfi_data = on_data;
  filter.xxfi_unknown = on_unknown;
  filter.xxfi_header = on_header;
  filter.xxfi_eoh = on_eoh;
  filter.xxfi_body = on_body;
  filter.xxfi_eom = on_end;
  filter.xxfi_negotiate = negotiate;
  if (smfi_setconn(argv[optind]) == MI_FAILURE || smfi_register(filter) == MI_FAILURE) return 1;
  smfi_setbacklog(1024);
  return smfi_main() == MI_SUCCESS ? 0 : 1;
}
