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

#ifndef PORTING_STDIO_H
#define PORTING_STDIO_H

#include <sys/types.h>
#include <stdarg.h>

typedef struct porting_file FILE;
typedef off_t fpos_t;

#ifdef __OpenBSD__
extern FILE *const porting_std[3];
#define stdin porting_std[0]
#define stdout porting_std[1]
#define stderr porting_std[2]
#else
extern FILE *porting_stdin, *porting_stdout, *porting_stderr;
#define stdin porting_stdin
#define stdout porting_stdout
#define stderr porting_stderr
#endif
#define EOF (-1)
#define BUFSIZ 1024
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#define _IOFBF 0
#define _IONBF 2
#define _IOLBF 1

int asprintf(char **, const char *, ...) __attribute__((format(printf, 2, 3)));
int dprintf(int, const char *, ...) __attribute__((format(printf, 2, 3)));
void clearerr(FILE *);
FILE *fmemopen(void *, size_t, const char *);
int fseek(FILE *, long, int);
long ftell(FILE *);
off_t ftello(FILE *);
ssize_t getdelim(char **, size_t *, int, FILE *);
int pclose(FILE *);
FILE *popen(const char *, const char *);
void rewind(FILE *);
void setbuf(FILE *, char *);
FILE *tmpfile(void);
int vsscanf(const char *, const char *, va_list);
int vdprintf(int, const char *, va_list);
int fclose(FILE *);
FILE *fdopen(int, const char *);
int feof(FILE *);
int ferror(FILE *);
int fflush(FILE *);
int fgetc(FILE *);
char *fgets(char *, int, FILE *);
int fileno(FILE *);
FILE *fopen(const char *, const char *);
int fprintf(FILE *, const char *, ...) __attribute__((format(printf, 2, 3)));
int fputc(int, FILE *);
int fputs(const char *, FILE *);
size_t fread(void *, size_t, size_t, FILE *);
FILE *freopen(const char *, const char *, FILE *);
int fseeko(FILE *, off_t, int);
size_t fwrite(const void *, size_t, size_t, FILE *);
int getc(FILE *);
int getchar(void);
ssize_t getline(char **, size_t *, FILE *);
FILE *open_memstream(char **, size_t *);
void perror(const char *);
int printf(const char *, ...) __attribute__((format(printf, 1, 2)));
int putc(int, FILE *);
int putchar(int);
int puts(const char *);
int remove(const char *);
int rename(const char *, const char *);
int renameat(int, const char *, int, const char *);
int setvbuf(FILE *, char *, int, size_t);
int snprintf(char *, size_t, const char *, ...)
    __attribute__((format(printf, 3, 4)));
int sscanf(const char *, const char *, ...);
int ungetc(int, FILE *);
int vasprintf(char **, const char *, va_list);
int vfprintf(FILE *, const char *, va_list);
int vprintf(const char *, va_list);
int vsnprintf(char *, size_t, const char *, va_list);

#endif
