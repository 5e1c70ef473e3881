# Folders below this one: one target each, so that -j works across them.
all: ${SUBDIR}
${SUBDIR}: FRC
	@test ! -f $@/Makefile || { cd $@ && ${MAKE} all; }
FRC:
clean:
	@for d in ${SUBDIR}; do test ! -f $$d/Makefile || \
		(cd $$d && ${MAKE} clean) || exit 1; done
.PHONY: all clean FRC
