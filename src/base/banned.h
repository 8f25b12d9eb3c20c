#ifndef BASE_BANNED_H
#define BASE_BANNED_H
/* Forced into every file by the build: using one of these functions does not compile. They are unbounded, ambiguous
 * about errors, not thread-safe, or hand a string to a shell. The headers come first, as they declare the names. */

#include <ctype.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#pragma GCC poison strcpy strcat strncpy strncat stpcpy sprintf vsprintf gets strtok
#pragma GCC poison atoi atol atoll atof system popen tmpnam tempnam mktemp
#pragma GCC poison asctime ctime localtime gmtime rand srand vfork

#endif
