# The whole suite.  README.md says what the targets do for you; the ones a
# developer wants are: all, test, lint, run, install, stress, interop, asan,
# valgrind, fuzz, bench, bench-scale, bench-store, bench-tls.
# SAN and PREFIX, where given, configure anew; otherwise what configure was
# last told holds.
SAN = as-configured
PREFIX = as-configured
DESTDIR =
RUN = run
USERS = 1
PORT =
COST =
BENCH =
WORK =
OTHERS =
PEERS =
REPEAT =
CONNECTIONS =
LARGE =
OUT =
DISK =
MESSAGES =
JOBS = 4


all: links
config: FRC
	@sh mk/config.sh '${SAN}' '${PREFIX}'
lib: config
	@cd lib && ${MAKE} all
usr.sbin usr.bin: lib
	@cd $@ && ${MAKE} all
links: usr.sbin usr.bin
	@sh mk/links.sh
regress: links
	@cd regress && ${MAKE} all

# These install packages first, and only then can be configured and built.
run:
	@sh mk/packages.sh build
	@${MAKE} -s -j${JOBS} all
	@exec env RUN='${RUN}' USERS='${USERS}' PORT='${PORT}' COST='${COST}' \
	    sh mk/run.sh
test:
	@sh mk/packages.sh build test
	@${MAKE} -s -j${JOBS} regress
	@exec sh mk/test.sh
lint:
	@sh mk/packages.sh build lint
	@${MAKE} -s -j${JOBS} all
	@exec sh mk/lint.sh
stress:
	@sh mk/packages.sh build test
	@${MAKE} -s -j${JOBS} regress
	@STRESS=1 exec sh mk/test.sh
# Foreign programs and an empty Debian, some of them fetched first.
interop:
	@sh mk/packages.sh build test interop
	@${MAKE} -s -j${JOBS} regress
	@INTEROP=1 exec sh mk/test.sh interop
asan:
	@sh mk/packages.sh build test
	@exec sh mk/asan.sh
valgrind:
	@sh mk/packages.sh build test valgrind
	@${MAKE} -s -j${JOBS} regress
	@exec sh mk/valgrind.sh
fuzz:
	@sh mk/packages.sh build fuzz
	@${MAKE} -s -j${JOBS} all
	@exec sh mk/fuzz.sh
bench:
	@sh mk/packages.sh build bench
	@${MAKE} -s -j${JOBS} all
	@exec env BENCH='${BENCH}' WORK='${WORK}' OTHERS='${OTHERS}' OUT='${OUT}' \
	    PEERS='${PEERS}' REPEAT='${REPEAT}' sh mk/bench.sh

bench-scale:
	@sh mk/packages.sh build bench
	@${MAKE} -s -j${JOBS} all
	@exec env USERS='${USERS}' CONNECTIONS='${CONNECTIONS}' \
	    LARGE='${LARGE}' sh mk/bench-scale.sh

bench-store:
	@sh mk/packages.sh build test
	@${MAKE} -s -j${JOBS} regress
	@exec env DISK='${DISK}' MESSAGES='${MESSAGES}' sh mk/bench-store.sh

bench-tls:
	@sh mk/packages.sh build test
	@${MAKE} -s -j${JOBS} all
	@${MAKE} -s -j${JOBS} regress
	@exec env OTHER_PORTS='${OTHER_PORTS}' SECONDS_EACH='${SECONDS_EACH}' \
	    sh mk/bench-tls.sh

install: links
	@sh mk/install.sh '${DESTDIR}'

uninstall: config
	@sh mk/install.sh -u '${DESTDIR}'

clean: config
	@for d in lib usr.sbin usr.bin regress; do \
		(cd $$d && ${MAKE} clean) || exit 1; done
	rm -rf libexec
distclean: clean
	rm -f config.mk config.h config.log

FRC:
.PHONY: all config lib usr.sbin usr.bin links regress run test lint stress \
	interop asan valgrind fuzz bench bench-scale bench-store bench-tls install uninstall clean \
	distclean FRC
