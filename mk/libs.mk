# Where the suite's own libraries lie, and what every compilation sees.
# Read after config.mk; needs TOP.
LIBCOMPAT = ${TOP}/lib/libcompat/libcompat.a
LIBLOG = ${TOP}/lib/liblog/liblog.a
LIBMSG = ${TOP}/lib/libmsg/libmsg.a
LIBPROC = ${TOP}/lib/libproc/libproc.a
LIBTLSIO = ${TOP}/lib/libtlsio/libtlsio.a
LIBCONF = ${TOP}/lib/libconf/libconf.a
LIBSEAL = ${TOP}/lib/libseal/libseal.a
LIBSTORE = ${TOP}/lib/libstore/libstore.a
LIBMIME = ${TOP}/lib/libmime/libmime.a
LIBCODEC = ${TOP}/lib/libcodec/libcodec.a
LIBIMAP = ${TOP}/lib/libimap/libimap.a
LIBSMTP = ${TOP}/lib/libsmtp/libsmtp.a
LIBDKIM = ${TOP}/lib/libdkim/libdkim.a
LIBMAUTH = ${TOP}/lib/libmauth/libmauth.a
LIBSASL = ${TOP}/lib/libsasl/libsasl.a
INCLUDES = -I${TOP} -I${TOP}/lib/libcompat -I${TOP}/lib/liblog \
	-I${TOP}/lib/libmsg -I${TOP}/lib/libproc -I${TOP}/lib/libtlsio \
	-I${TOP}/lib/libconf -I${TOP}/lib/libseal -I${TOP}/lib/libstore \
	-I${TOP}/lib/libmime -I${TOP}/lib/libimap -I${TOP}/lib/libsmtp -I${TOP}/lib/libdkim -I${TOP}/lib/libmauth \
	-I${TOP}/lib/libsasl -I${TOP}/lib/libcodec
