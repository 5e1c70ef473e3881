/*
 * Copyright (c) 2026 The Sealmail authors
 *
 * Permission to use, copy, modify, and distribute this software for any
 * purpose with or without fee is hereby granted, provided that the above
 * copyright notice and this permission notice appear in all copies.
 *
 * THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES
 * WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF
 * MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR
 * ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES
 * WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
 * ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF
 * OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.
 */

#ifndef PORTING_STDLIB_H
#define PORTING_STDLIB_H

#include <sys/types.h>

#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1

long atol(const char *);
long long atoll(const char *);
long labs(long);
long long llabs(long long);
char *mkdtemp(char *);
int mkostemp(char *, int);
int putenv(char *);
float strtof(const char *, char **);
int system(const char *);
int getloadavg(double *, int);
int abs(int);
void abort(void) __attribute__((noreturn));
void *aligned_alloc(size_t, size_t);
uint32_t arc4random(void);
void arc4random_buf(void *, size_t);
uint32_t arc4random_uniform(uint32_t);
int atexit(void (*)(void));
int atoi(const char *);
void *bsearch(const void *, const void *, size_t, size_t,
    int (*)(const void *, const void *));
void *calloc(size_t, size_t);
int daemon(int, int);
void exit(int) __attribute__((noreturn));
void _Exit(int) __attribute__((noreturn));
void free(void *);
char *getenv(const char *);
const char *getprogname(void);
int heapsort(void *, size_t, size_t, int (*)(const void *, const void *));
void *malloc(size_t);
int mergesort(void *, size_t, size_t, int (*)(const void *, const void *));
int mkstemp(char *);
int posix_memalign(void **, size_t, size_t);
void qsort(void *, size_t, size_t, int (*)(const void *, const void *));
void *realloc(void *, size_t);
void *reallocarray(void *, size_t, size_t);
char *realpath(const char *, char *);
int setenv(const char *, const char *, int);
void setprogname(const char *);
double strtod(const char *, char **);
long strtol(const char *, char **, int);
long long strtoll(const char *, char **, int);
long long strtonum(const char *, long long, long long, const char **);
unsigned long strtoul(const char *, char **, int);
unsigned long long strtoull(const char *, char **, int);
int unsetenv(const char *);
#ifdef __OpenBSD__
void freezero(void *, size_t);
void setproctitle(const char *, ...) __attribute__((format(printf, 1, 2)));
void *recallocarray(void *, size_t, size_t, size_t);
#endif

#endif
