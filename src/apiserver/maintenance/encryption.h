#ifndef APISERVER_ENCRYPTION_H
#define APISERVER_ENCRYPTION_H
/* The encryption configuration while the server runs: its file is looked at every two seconds (auth/pki_watch.c) and
 * taken over when it was replaced; a key of our own making that was used too often gets a successor. */

#include "base/err.h"

#include <stdint.h>

struct apiserver;
struct encryption;

/* Reads the file into s->keys; NULL: DIR/pki/encryption.yaml, which is made when missing, durable before anything is
 * encrypted with it. */
int encryption_prepare(struct apiserver *s, const char *path, struct err *err);
struct encryption *encryption_free(struct encryption *e);
/* On one thread. Problems are logged; what was in force stays. */
void encryption_look(struct apiserver *s);

/* Puts a new key before the others in the first rule of a configuration file, from where it is the one that writes; the
 * file is replaced as a whole. */
int encryption_rotate(const char *path, struct err *err);

#endif
