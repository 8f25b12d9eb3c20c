#ifndef LOCAL_UNIQUE_H
#define LOCAL_UNIQUE_H
/* Names nobody had before: 16 random hexadecimal digits. */

#define UNIQUE_SIZE 17

/* Returns buf. */
const char *unique_id(char buf[static UNIQUE_SIZE]);

#endif
