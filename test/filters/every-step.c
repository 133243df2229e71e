/*
 * A filter on libmilter that writes down every step it is told of, one line each on stdout, and does at a step what the
 * message says: a test peer that shows how the C library understands a gateway.
 *
 * Usage: every-step SOCKET [-p BITS] [-a BITS] [-c VERDICT] [-l STEPS]
 *   -p  protocol bits to ask for, as far as they are offered (hexadecimal); default none
 *   -a  actions to ask for (hexadecimal); default all
 *   -c  verdict at connect
 *   -l  no negotiation of its own (as filters before 8.14): only the callbacks named, of c h m r t l n b u; the library works
 *       out the rest
 *
 * A sender STEP.VERDICT@... asks for a verdict at mail, rcpt (for recipients that begin with "no"), data, header, eoh, body or
 * end; so does a HELO name helo.VERDICT.... and a command BAD VERDICT. At the end it adds the field X-Steps.
 * A no-reply bit that was agreed on makes the callback return SMFIS_NOREPLY, as the library demands.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include <libmilter/mfapi.h>

static unsigned long wanted_protocol;
static unsigned long wanted_actions = SMFI_CURR_ACTS;
static const char *at_connect = "continue";

/* What is known of one SMTP connection. */
struct conn {
	unsigned long agreed;
	char step[16];
	char verdict[32];
	unsigned long bytes;
	unsigned int sum;
	int skipped;
};

static struct conn *of(SMFICTX *ctx)
{
	struct conn *c = smfi_getpriv(ctx);

	if (c == NULL) {
		c = calloc(1, sizeof *c);
		if (c == NULL)
			exit(EX_OSERR);
		smfi_setpriv(ctx, c);
	}
	return c;
}

/* One line; what would break it is written as in C. */
static void say(const char *step, const char *a, const char *b)
{
	char line[4096];
	size_t n = 0;
	const char *parts[3] = { step, a, b };

	for (int i = 0; i < 3; i++) {
		if (parts[i] == NULL)
			continue;
		if (i > 0 && n < sizeof line - 8)
			line[n++] = i == 2 ? '|' : ' ';
		for (const char *s = parts[i]; *s != '\0' && n < sizeof line - 8; s++) {
			if (*s == '\n' || *s == '\r' || *s == '\t') {
				line[n++] = '\\';
				line[n++] = *s == '\n' ? 'n' : *s == '\r' ? 'r' : 't';
			} else
				line[n++] = *s;
		}
	}
	line[n++] = '\n';
	line[n] = '\0';
	fputs(line, stdout);
	fflush(stdout);
}

static sfsistat verdict(SMFICTX *ctx, const char *name)
{
	char *none = NULL;

	if (strcmp(name, "accept") == 0)
		return SMFIS_ACCEPT;
	if (strcmp(name, "reject") == 0)
		return SMFIS_REJECT;
	if (strcmp(name, "tempfail") == 0)
		return SMFIS_TEMPFAIL;
	if (strcmp(name, "discard") == 0)
		return SMFIS_DISCARD;
	if (strcmp(name, "skip") == 0)
		return SMFIS_SKIP;
	if (strcmp(name, "one5") == 0) {
		smfi_setreply(ctx, "550", "5.7.9", "One line, 100%% sure");
		return SMFIS_REJECT;
	}
	if (strcmp(name, "one4") == 0) {
		smfi_setreply(ctx, "452", "4.2.2", "Later");
		return SMFIS_TEMPFAIL;
	}
	if (strcmp(name, "bare") == 0) {
		smfi_setreply(ctx, "553", none, "No enhanced code");
		return SMFIS_REJECT;
	}
	if (strcmp(name, "many5") == 0) {
		smfi_setmlreply(ctx, "554", "5.7.2", "First line", "second line", "  third, indented", none);
		return SMFIS_REJECT;
	}
	if (strcmp(name, "many4") == 0) {
		smfi_setmlreply(ctx, "450", none, "Not now", "and not soon", none);
		return SMFIS_TEMPFAIL;
	}
	if (strcmp(name, "gone") == 0) {
		smfi_setreply(ctx, "421", "4.3.2", "Closing");
		return SMFIS_TEMPFAIL;
	}
	if (strcmp(name, "manygone") == 0) {
		smfi_setmlreply(ctx, "421", "4.3.2", "Closing", "for good", none);
		return SMFIS_TEMPFAIL;
	}
	return SMFIS_CONTINUE;
}

/* The answer to a step: what was asked for, or nothing at all when that was agreed. */
static sfsistat answer(SMFICTX *ctx, const char *step, unsigned long no_reply)
{
	struct conn *c = of(ctx);

	if (c->agreed & no_reply)
		return SMFIS_NOREPLY;
	return strcmp(c->step, step) == 0 ? verdict(ctx, c->verdict) : SMFIS_CONTINUE;
}

/* Takes STEP.VERDICT from an address or a name. */
static void instructed(struct conn *c, const char *from)
{
	c->step[0] = c->verdict[0] = '\0';
	sscanf(from, "%*[<]%15[a-z].%31[a-z0-9]", c->step, c->verdict);
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address)
{
	char text[INET6_ADDRSTRLEN] = "?";

	if (address != NULL && address->sa_family == AF_INET)
		inet_ntop(AF_INET, &((struct sockaddr_in *)address)->sin_addr, text, sizeof text);
	say("connect", host, text);
	if (of(ctx)->agreed & SMFIP_NR_CONN)
		return SMFIS_NOREPLY;
	return verdict(ctx, at_connect);
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
	struct conn *c = of(ctx);
	char asked[32] = "";

	say("helo", name, NULL);
	if (c->agreed & SMFIP_NR_HELO)
		return SMFIS_NOREPLY;
	return sscanf(name, "helo.%31[a-z0-9]", asked) == 1 ? verdict(ctx, asked) : SMFIS_CONTINUE;
}

/* Address and parameters with a blank between. */
static void say_path(const char *step, char **argv, const char *macro)
{
	char text[1024] = "";

	for (int i = 0; argv[i] != NULL; i++) {
		if (i > 0)
			strncat(text, " ", sizeof text - strlen(text) - 1);
		strncat(text, argv[i], sizeof text - strlen(text) - 1);
	}
	say(step, text, macro);
}

static sfsistat on_mail(SMFICTX *ctx, char **argv)
{
	struct conn *c = of(ctx);

	c->bytes = 0;
	c->sum = 0;
	c->skipped = 0;
	instructed(c, argv[0]);
	say_path("mail", argv, smfi_getsymval(ctx, "i") != NULL ? "i" : "no i");
	return answer(ctx, "mail", SMFIP_NR_MAIL);
}

static sfsistat on_rcpt(SMFICTX *ctx, char **argv)
{
	struct conn *c = of(ctx);
	const char *mailer = smfi_getsymval(ctx, "{rcpt_mailer}");

	say_path("rcpt", argv, mailer != NULL && strcmp(mailer, "error") == 0 ? smfi_getsymval(ctx, "{rcpt_host}") : NULL);
	if (c->agreed & SMFIP_NR_RCPT)
		return SMFIS_NOREPLY;
	if (strncmp(argv[0], "<no", 3) != 0)
		return SMFIS_CONTINUE;
	return answer(ctx, "rcpt", SMFIP_NR_RCPT);
}

static sfsistat on_data(SMFICTX *ctx)
{
	say("data", NULL, NULL);
	return answer(ctx, "data", SMFIP_NR_DATA);
}

static sfsistat on_unknown(SMFICTX *ctx, const char *command)
{
	char asked[32] = "";

	say("unknown", command, NULL);
	if (of(ctx)->agreed & SMFIP_NR_UNKN)
		return SMFIS_NOREPLY;
	return sscanf(command, "BAD %31[a-z0-9]", asked) == 1 ? verdict(ctx, asked) : SMFIS_CONTINUE;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	say("header", name, value);
	return answer(ctx, "header", SMFIP_NR_HDR);
}

static sfsistat on_eoh(SMFICTX *ctx)
{
	say("eoh", NULL, NULL);
	return answer(ctx, "eoh", SMFIP_NR_EOH);
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *chunk, size_t size)
{
	struct conn *c = of(ctx);

	if (c->skipped)
		say("body after skip", NULL, NULL);
	for (size_t i = 0; i < size; i++)
		c->sum = c->sum * 31 + chunk[i];
	c->bytes += size;
	if ((c->agreed & SMFIP_NR_BODY) == 0 && strcmp(c->step, "body") == 0 && strcmp(c->verdict, "skip") == 0)
		c->skipped = 1;
	return answer(ctx, "body", SMFIP_NR_BODY);
}

static sfsistat on_end(SMFICTX *ctx)
{
	struct conn *c = of(ctx);
	char text[64];

	snprintf(text, sizeof text, "%lu %u", c->bytes, c->sum);
	say("end", text, smfi_getsymval(ctx, "i") != NULL ? "i" : "no i");
	smfi_addheader(ctx, "X-Steps", "all");
	c->bytes = 0;
	c->sum = 0;
	return answer(ctx, "end", 0);
}

static sfsistat on_abort(SMFICTX *ctx)
{
	(void)ctx;
	say("abort", NULL, NULL);
	return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
	/* One that connected and said nothing is no conversation. */
	if (smfi_getpriv(ctx) != NULL)
		say("close", NULL, NULL);
	free(smfi_getpriv(ctx));
	smfi_setpriv(ctx, NULL);
	return SMFIS_CONTINUE;
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1, unsigned long f2, unsigned long f3,
	unsigned long *pf0, unsigned long *pf1, unsigned long *pf2, unsigned long *pf3)
{
	struct conn *c = of(ctx);
	char offered[64];

	(void)f2;
	(void)f3;
	snprintf(offered, sizeof offered, "%lx %lx", f0, f1);
	say("offer", offered, NULL);
	*pf0 = wanted_actions & f0;
	*pf1 = wanted_protocol & f1;
	*pf2 = 0;
	*pf3 = 0;
	c->agreed = *pf1;
	return SMFIS_CONTINUE;
}

/* Leaves only the callbacks whose letter is in the list, and no negotiation. */
static void limit(struct smfiDesc *filter, const char *steps)
{
	filter->xxfi_negotiate = NULL;
	if (strchr(steps, 'c') == NULL)
		filter->xxfi_connect = NULL;
	if (strchr(steps, 'h') == NULL)
		filter->xxfi_helo = NULL;
	if (strchr(steps, 'm') == NULL)
		filter->xxfi_envfrom = NULL;
	if (strchr(steps, 'r') == NULL)
		filter->xxfi_envrcpt = NULL;
	if (strchr(steps, 't') == NULL)
		filter->xxfi_data = NULL;
	if (strchr(steps, 'l') == NULL)
		filter->xxfi_header = NULL;
	if (strchr(steps, 'n') == NULL)
		filter->xxfi_eoh = NULL;
	if (strchr(steps, 'b') == NULL)
		filter->xxfi_body = NULL;
	if (strchr(steps, 'u') == NULL)
		filter->xxfi_unknown = NULL;
}

int main(int argc, char **argv)
{
	struct smfiDesc filter = {
		"every-step", SMFI_VERSION, 0, on_connect, on_helo, on_mail, on_rcpt, on_header, on_eoh, on_body, on_end,
		on_abort, on_close, on_unknown, on_data, on_negotiate,
	};
	int option;

	if (argc < 2)
		return EX_USAGE;
	optind = 2;
	while ((option = getopt(argc, argv, "p:a:c:l:")) != -1) {
		if (option == 'p')
			wanted_protocol = strtoul(optarg, NULL, 16);
		else if (option == 'a')
			wanted_actions = strtoul(optarg, NULL, 16);
		else if (option == 'c')
			at_connect = optarg;
		else if (option == 'l')
			limit(&filter, optarg);
		else
			return EX_USAGE;
	}
	filter.xxfi_flags = wanted_actions;
	if (smfi_setconn(argv[1]) == MI_FAILURE || smfi_register(filter) == MI_FAILURE)
		return EX_UNAVAILABLE;
	return smfi_main();
}
