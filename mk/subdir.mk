# Folders below this one: one target each, so that -j works across them.
all: ${SUBDIR}
${SUBDIR}: FRC
	@cd $@ && ${MAKE} all
FRC:
clean:
	@for d in ${SUBDIR}; do (cd $$d && ${MAKE} clean) || exit 1; done
.PHONY: all clean FRC
