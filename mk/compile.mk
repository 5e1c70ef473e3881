# How a .c becomes a .o, with its dependencies noted beside it.  No .y here:
# bmake would then know a rule of its own from .y to .o.
.SUFFIXES:
.SUFFIXES: .o .c
.c.o:
	@echo "cc $<"
	@${CC} ${CPPFLAGS} ${INCLUDES} ${CFLAGS} -MMD -MP -c -o $@ $<
${OBJS}: ${TOP}/config.mk
