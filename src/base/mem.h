#ifndef BASE_MEM_H
#define BASE_MEM_H
/* Memory that cannot fail, checked sizes, and clean-up attributes.
 *
 * Allocation failure ends the process in one place, out_of_memory(): SCIA is crash-only, so what it acknowledged is
 * already durable, and everything driven by input has a stated maximum before it gets here. */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

/* Runs f on the variable's address when it leaves scope. */
#define _cleanup_(f) __attribute__((cleanup(f)))
#define _printf_(fmt, args) __attribute__((format(printf, fmt, args)))
#define _unused_ __attribute__((unused))

/* Defines func##p(T *), for _cleanup_(func##p): calls func unless the value is NULL. */
#define DEFINE_CLEANUP(T, func)      \
	static inline void func##p(T *p) \
	{                                \
		if (*p)                      \
			func(*p);                \
	}

/* Ownership of a local leaves the scope: the variable becomes NULL, its old value is the result. */
#define TAKE_PTR(p)                 \
	({                              \
		__typeof__(p) _taken = (p); \
		(p) = NULL;                 \
		_taken;                     \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Says so on standard error and aborts. */
_Noreturn void out_of_memory(size_t wanted);

/* Like malloc() and its family, never NULL (not even for size 0). Free with free(). */
void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *p, size_t size) __attribute__((returns_nonnull));
/* Room for count elements of size bytes; an overflowing product aborts like exhausted memory. */
void *xreallocarray(void *p, size_t count, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
/* NULL stays NULL. */
char *xstrdup_or_null(const char *s);
char *xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
void *xmemdup(const void *p, size_t n) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...) _printf_(1, 2) __attribute__((malloc, returns_nonnull));
char *xvasprintf(const char *fmt, va_list ap) _printf_(1, 0) __attribute__((malloc, returns_nonnull));

#define new0(T) ((T *)xcalloc(1, sizeof(T)))

/* True when the result fits; *ret is set only then. */
static inline bool size_add(size_t a, size_t b, size_t *ret)
{
	return !__builtin_add_overflow(a, b, ret);
}
static inline bool size_mul(size_t a, size_t b, size_t *ret)
{
	return !__builtin_mul_overflow(a, b, ret);
}

static inline void freep(void *p)
{
	free(*(void **)p);
}
#define _cleanup_free_ _cleanup_(freep)

/* Closes unless negative; for _cleanup_. */
void closep(int *fd);
#define _cleanup_close_ _cleanup_(closep)

/* closep() for what an epoll set watches. The set is told, as a child between fork and exec keeps a closed file open:
 * its events would go on coming, and their pointers be gone. */
void close_watched(int epoll, int *fd);

/* The same as TAKE_PTR() for a file descriptor: the variable becomes -1. */
#define TAKE_FD(fd)        \
	({                     \
		int _taken = (fd); \
		(fd) = -1;         \
		_taken;            \
	})

#endif
