# Test programs, each of one source file.  Set TOP, TESTS (C, against atf-c),
# SHTESTS (atf-sh, from NAME.sh), LDADD and LIBS.
include ${TOP}/config.mk
include ${TOP}/mk/libs.mk
OBJS = ${HELPERS:=.o} ${TESTS:=.o}
# Of a list that is empty, or has two blanks in a row, bmake would include the
# folder: so one word that no file has, and all of them through one modifier.
NOTED = ${HELPERS} ${TESTS} ${PROGS} none
DEPS = ${NOTED:=.d}
all: ${TESTS} ${SHTESTS} ${PROGS}
.SUFFIXES:
.SUFFIXES: .o .c .sh
.c.o:
	@echo "cc $<"
	@${CC} ${CPPFLAGS} ${INCLUDES} ${CFLAGS} -MMD -MP -c -o $@ $<
.o:
	@echo "ld $@"
	@${CC} ${LDFLAGS} -o $@ $< ${HELPERS:=.o} ${LDADD} ${LIBS} ${ATF_LIBS} ${BSD_LIBS}
.sh:
	@rm -f $@
	@cp $< $@
	@chmod 755 $@
${OBJS}: ${TOP}/config.mk
${TESTS}: ${HELPERS:=.o} ${LDADD}
clean:
	rm -f ${TESTS} ${SHTESTS} ${PROGS} *.o *.d ${CLEANFILES}
.PHONY: all clean
-include ${DEPS}
