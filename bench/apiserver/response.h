#ifndef BENCH_RESPONSE_H
#define BENCH_RESPONSE_H
/* HTTP/1.1 responses as a benchmark needs them: status, and where a body begins and ends. */

#include "connection.h"

void response_init(struct response *r);
void response_clear(struct response *r);
/* Takes received bytes apart and calls the connection's events. False: that is no HTTP/1.1. */
bool response_feed(struct connection *c, const char *data, size_t len);

#endif
