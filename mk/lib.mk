# A static library.  Set TOP, LIB (the name without lib) and SRCS.
include ${TOP}/config.mk
include ${TOP}/mk/libs.mk
OBJS = ${SRCS:.c=.o}
DEPS = ${SRCS:.c=.d}
all: lib${LIB}.a
lib${LIB}.a: ${OBJS}
	@rm -f $@
	@${AR} rcs $@ ${OBJS}
include ${TOP}/mk/compile.mk
clean:
	rm -f lib${LIB}.a *.o *.d ${CLEANFILES}
.PHONY: all clean
-include ${DEPS}
