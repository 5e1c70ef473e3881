# How a .c becomes a .o, with its dependencies noted beside it.
.SUFFIXES:
.SUFFIXES: .o .c .y
.c.o:
	${CC} ${CPPFLAGS} ${INCLUDES} ${CFLAGS} -MMD -MP -c -o $@ $<
.y.c:
	${YACC} -o $@ $<
${OBJS}: ${TOP}/config.mk
