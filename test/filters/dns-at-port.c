/*
 * Loaded before a filter (LD_PRELOAD): the resolver it opens asks 127.0.0.1 at the port in TEST_DNS_PORT, and nobody else.
 * For filters that look up DNS records by the C library and have no setting for the server.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dlfcn.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdlib.h>

#undef res_ninit
int __res_ninit(res_state state);

int __res_ninit(res_state state)
{
	int (*real)(res_state) = (int (*)(res_state))dlsym(RTLD_NEXT, "__res_ninit");
	const char *port = getenv("TEST_DNS_PORT");

	if (real == NULL || port == NULL || real(state) != 0)
		return -1;
	state->nscount = 1;
	state->nsaddr_list[0].sin_family = AF_INET;
	state->nsaddr_list[0].sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	state->nsaddr_list[0].sin_port = htons((unsigned short)atoi(port));
	state->retrans = 1;
	state->retry = 2;
	return 0;
}
