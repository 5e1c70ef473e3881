# A program.  Set TOP, PROG, SRCS, LDADD (own libraries, from mk/libs.mk, in
# link order) and LIBS (the system's).  Sources of another folder: OBJADD.
include ${TOP}/config.mk
include ${TOP}/mk/libs.mk
OBJS = ${SRCS:.c=.o}
DEPS = ${SRCS:.c=.d}
all: ${PROG}
${PROG}: ${OBJS} ${OBJADD} ${LDADD}
	@echo "ld $@"
	@${CC} ${LDFLAGS} -o $@ ${OBJS} ${OBJADD} ${LDADD} ${LIBS} ${BSD_LIBS}
include ${TOP}/mk/compile.mk
clean:
	rm -f ${PROG} *.o *.d ${CLEANFILES}
.PHONY: all clean
-include ${DEPS}
