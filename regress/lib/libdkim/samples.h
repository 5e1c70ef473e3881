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

/*
 * Messages that dkimpy 1.1.4 has signed, once, and the keys.  Those of RSA have
 * 1024 bits, that of "short" has 768.
 */

#ifndef SAMPLES_H
#define SAMPLES_H

#define RSA_KEY                                                    \
	"MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQC3S7M29aWm8EfMAI28" \
	"Aps2rJ5GbqC67x2bIgXtiYawnlQqACXT89RXN1erjzCvoJceFbJlHxQ2" \
	"EvSnyb5OVY51f6vjJHhFAc/opqf2X+myfYnydV6tjmf6WRIUolFsjlg8" \
	"fV6A4uV0GiyseCn/vQZPTtIVFx5SUeHqZ/e1IRaz+QIDAQAB"
#define RSA_KEY_PKCS1                                              \
	"MIGJAoGBALdLszb1pabwR8wAjbwCmzasnkZuoLrvHZsiBe2JhrCeVCoA" \
	"JdPz1Fc3V6uPMK+glx4VsmUfFDYS9KfJvk5VjnV/q+MkeEUBz+imp/Zf" \
	"6bJ9ifJ1Xq2OZ/pZEhSiUWyOWDx9XoDi5XQaLKx4Kf+9Bk9O0hUXHlJR" \
	"4epn97UhFrP5AgMBAAE="
#define SHORT_KEY                                                  \
	"MHwwDQYJKoZIhvcNAQEBBQADawAwaAJhAMzklIYxCoAwDTB4mc1YKdHu" \
	"el8nGh5UlHtwR48gwu8mtad7V/XauRqeCW8WwoaIO4c4Wl8Yjw2R675U" \
	"nmd8dgN0zIabDa4M4SiqZs0SwCDG2/vDuZCa2PTR/zOrAnsfuQIDAQAB"
#define ED_KEY "dCUROGlduAZtLHSMlTL8F8Th7uP2GgurJjlUu2xJVdY="

static const char relaxed_relaxed[] =
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d="
    "d.test;\r\n"
    " i=@d.test; q=dns/txt; s=r; t=1795315536; h=from : to : "
    "subject :\r\n"
    " x-empty : date; bh=06SeAqfd0aUkkPWA/mmB7gd+6V+q7YHdu1RS"
    "LADeEnc=;\r\n"
    " b=J0kWfOMXjAAetp1zFXZandvjDcxo8xZxhFRgPnAiQbQoa6rt7lLXx"
    "iCzBNf+1VUQ1icAj\r\n"
    " hM4ZJb6MH4aOPS2dLOXioUlaEBictEFO7KscV9AGWaufG4kQVo+j/WX"
    "m1gEIbDLkP/A4vc9\r\n"
    " T9fQH8quIQ1xkK0vA+BIftpRZ5rMi1M=\r\n"
    "Received: from x by y;\r\n"
    "\tMon, 1 Jan 2024 00:00:00 +0000\r\n"
    "From:  Joe  <joe@d.test>\r\n"
    "TO: anna@example.org\r\n"
    "Subject: folded\r\n"
    " \t and  spaced \r\n"
    "X-Empty:\r\n"
    "Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n"
    "\r\n"
    " leading \t blanks \r\n"
    "\r\n"
    "\r\n"
    "line two\t\r\n"
    ".dot\r\n"
    "\r\n"
    "\r\n";

static const char relaxed_simple[] =
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=d"
    ".test; i=@d.test;\r\n"
    " q=dns/txt; s=r; t=1795315536; h=from : to : subject : x"
    "-empty : date;\r\n"
    " bh=eYxPFnHmHFDm8oFMjopYxsHf0F2YdmIVcjZwIApKHFU=;\r\n"
    " b=QwNVTfS01BO+52IrOUDIWok7bDPh38IpcPdwenwBmW5L22AmqkNeL"
    "u0dSl2KRwqqz7elN\r\n"
    " XXpeDRgyvLY2LRi1Y2fnSjoNGQor11VvyIUyGfmI17TGeE0Ej80ySQV"
    "qk8x4Eb8/CSwB2Ib\r\n"
    " 1FNtlVGOhG3sRbtywwtPEoPfzLzW9KA=\r\n"
    "Received: from x by y;\r\n"
    "\tMon, 1 Jan 2024 00:00:00 +0000\r\n"
    "From:  Joe  <joe@d.test>\r\n"
    "TO: anna@example.org\r\n"
    "Subject: folded\r\n"
    " \t and  spaced \r\n"
    "X-Empty:\r\n"
    "Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n"
    "\r\n"
    " leading \t blanks \r\n"
    "\r\n"
    "\r\n"
    "line two\t\r\n"
    ".dot\r\n"
    "\r\n"
    "\r\n";

static const char simple_relaxed[] =
    "DKIM-Signature: v=1; a=rsa-sha256; c=simple/relaxed; d=d"
    ".test; i=@d.test;\r\n"
    " q=dns/txt; s=r; t=1795315536; h=from : to : subject : x"
    "-empty : date;\r\n"
    " bh=06SeAqfd0aUkkPWA/mmB7gd+6V+q7YHdu1RSLADeEnc=;\r\n"
    " b=tSxUfNZFOFybaKNMPf6lDpRJaxHqFaMUOggfS/icumYmwbWJZTBKs"
    "Gxnes57pwtb1mgNe\r\n"
    " /mnwMUBFyRU8PS+XyFcqOayRg27TjjjaL3067tXF7RjF91M8a+J0nKN"
    "KE3zyM4POt0zr4XW\r\n"
    " 69p6sLp53eK8+OsPD8UBYC6FJAwl9x8=\r\n"
    "Received: from x by y;\r\n"
    "\tMon, 1 Jan 2024 00:00:00 +0000\r\n"
    "From:  Joe  <joe@d.test>\r\n"
    "TO: anna@example.org\r\n"
    "Subject: folded\r\n"
    " \t and  spaced \r\n"
    "X-Empty:\r\n"
    "Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n"
    "\r\n"
    " leading \t blanks \r\n"
    "\r\n"
    "\r\n"
    "line two\t\r\n"
    ".dot\r\n"
    "\r\n"
    "\r\n";

static const char simple_simple[] =
    "DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=d."
    "test; i=@d.test;\r\n"
    " q=dns/txt; s=r; t=1795315536; h=from : to : subject : x"
    "-empty : date;\r\n"
    " bh=eYxPFnHmHFDm8oFMjopYxsHf0F2YdmIVcjZwIApKHFU=;\r\n"
    " b=IHNhy9l5xH3beXGooU/jk2viUpjWkc1P8hFyinukOClTwAkpY7sFk"
    "1wYdskST/L05CY2K\r\n"
    " fkfGLmqXTxurm6HuV7MD4HKyUfE04apcoH7KLCPZpfdokcZJ/yost1w"
    "HQwhdW6f9EIdGPYs\r\n"
    " GUfe02TzJYToLY2rmQ9Tk/fWhlsg8tA=\r\n"
    "Received: from x by y;\r\n"
    "\tMon, 1 Jan 2024 00:00:00 +0000\r\n"
    "From:  Joe  <joe@d.test>\r\n"
    "TO: anna@example.org\r\n"
    "Subject: folded\r\n"
    " \t and  spaced \r\n"
    "X-Empty:\r\n"
    "Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n"
    "\r\n"
    " leading \t blanks \r\n"
    "\r\n"
    "\r\n"
    "line two\t\r\n"
    ".dot\r\n"
    "\r\n"
    "\r\n";

static const char ed_simple[] =
    "DKIM-Signature: v=1; a=ed25519-sha256; c=simple/simple; "
    "d=d.test;\r\n"
    " i=@d.test; q=dns/txt; s=e; t=1795315536; h=from : to : "
    "subject :\r\n"
    " x-empty : date; bh=eYxPFnHmHFDm8oFMjopYxsHf0F2YdmIVcjZw"
    "IApKHFU=;\r\n"
    " b=h+NwSt57xFg42mr4cU566P1MEkwGDE+CGXckrEax+e2UPqCeWxwhK"
    "zAp5zcfUPJKXAnsk\r\n"
    " Bxy/7xhs44rNAf8BQ==\r\n"
    "Received: from x by y;\r\n"
    "\tMon, 1 Jan 2024 00:00:00 +0000\r\n"
    "From:  Joe  <joe@d.test>\r\n"
    "TO: anna@example.org\r\n"
    "Subject: folded\r\n"
    " \t and  spaced \r\n"
    "X-Empty:\r\n"
    "Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n"
    "\r\n"
    " leading \t blanks \r\n"
    "\r\n"
    "\r\n"
    "line two\t\r\n"
    ".dot\r\n"
    "\r\n"
    "\r\n";

static const char ed_relaxed[] =
    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed"
    "; d=d.test;\r\n"
    " i=@d.test; q=dns/txt; s=e; t=1795315536; h=from : to : "
    "subject :\r\n"
    " x-empty : date; bh=06SeAqfd0aUkkPWA/mmB7gd+6V+q7YHdu1RS"
    "LADeEnc=;\r\n"
    " b=/GC+HjRnC1Oh2Ri6CbLBLFOt5+JEV7wV5ba5cVyXcnmVADP9oUG02"
    "GMpRswgQMC/wiZEF\r\n"
    " RKRE6XHyWJJyHLNAw==\r\n"
    "Received: from x by y;\r\n"
    "\tMon, 1 Jan 2024 00:00:00 +0000\r\n"
    "From:  Joe  <joe@d.test>\r\n"
    "TO: anna@example.org\r\n"
    "Subject: folded\r\n"
    " \t and  spaced \r\n"
    "X-Empty:\r\n"
    "Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n"
    "\r\n"
    " leading \t blanks \r\n"
    "\r\n"
    "\r\n"
    "line two\t\r\n"
    ".dot\r\n"
    "\r\n"
    "\r\n";

static const char empty_simple[] =
    "DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=d."
    "test; i=@d.test;\r\n"
    " q=dns/txt; s=r; t=1795315536; h=from : to : subject : x"
    "-empty : date;\r\n"
    " bh=frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=;\r\n"
    " b=HNsqgNVGvdjnPCLtA9h9L+zNcOEPs4BfN0YQkxQTzqTGhjEb/k4Kx"
    "FjcXrfygqcF1diQD\r\n"
    " rxzsYkER/3kWDgT93Q9n4Gtd+S7ndJWBfjOmQFVwVA1drQvzmrSdmPa"
    "Klicv+rmeCvIa6OE\r\n"
    " tV2sN20WFFoBmwLTkoWMW1YpVM3n+Ek=\r\n"
    "Received: from x by y;\r\n"
    "\tMon, 1 Jan 2024 00:00:00 +0000\r\n"
    "From:  Joe  <joe@d.test>\r\n"
    "TO: anna@example.org\r\n"
    "Subject: folded\r\n"
    " \t and  spaced \r\n"
    "X-Empty:\r\n"
    "Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n"
    "\r\n";

static const char empty_relaxed[] =
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d="
    "d.test;\r\n"
    " i=@d.test; q=dns/txt; s=r; t=1795315536; h=from : to : "
    "subject :\r\n"
    " x-empty : date; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZ"
    "G3hSuFU=;\r\n"
    " b=JVzGhsBhT/lemYfd1nNi1gNs+KfkuWZM6Ge44phEh8R6DYpZL7OQG"
    "U/ZIBaxsN2998lMt\r\n"
    " njzcboOHBq/eYGdP821OIOD4lHbYxAfBL9+23cBXF/d8f1KF1U+Em6+"
    "o2O0PwpHPJ7EiyrR\r\n"
    " yb9lluxCWuEqhZ3YbG6JoevgM4JlWHU=\r\n"
    "Received: from x by y;\r\n"
    "\tMon, 1 Jan 2024 00:00:00 +0000\r\n"
    "From:  Joe  <joe@d.test>\r\n"
    "TO: anna@example.org\r\n"
    "Subject: folded\r\n"
    " \t and  spaced \r\n"
    "X-Empty:\r\n"
    "Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n"
    "\r\n";

static const char length[] =
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=d"
    ".test; i=@d.test;\r\n"
    " l=41; q=dns/txt; s=r; t=1795315536; h=from : to : subje"
    "ct : x-empty :\r\n"
    " date; bh=eYxPFnHmHFDm8oFMjopYxsHf0F2YdmIVcjZwIApKHFU=;"
    "\r\n"
    " b=rLXGzx5kv9hLQfLkC1sm2q5LdRz2VtwTAcSOgZaEHQPNgvMEa72qO"
    "csdYamNTmYoJwBbi\r\n"
    " 4XNPzZ7VBEYi66wQosmHWH10tQDnoG9McGEdJDyeXh6ZpE+dIDOMhIn"
    "JBCYxuptWyyqnYXI\r\n"
    " ENwkShYZudw0xyomwm8PFCvqGYMcs/8=\r\n"
    "Received: from x by y;\r\n"
    "\tMon, 1 Jan 2024 00:00:00 +0000\r\n"
    "From:  Joe  <joe@d.test>\r\n"
    "TO: anna@example.org\r\n"
    "Subject: folded\r\n"
    " \t and  spaced \r\n"
    "X-Empty:\r\n"
    "Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n"
    "\r\n"
    " leading \t blanks \r\n"
    "\r\n"
    "\r\n"
    "line two\t\r\n"
    ".dot\r\n"
    "\r\n"
    "\r\n";

static const char old_sha1[] =
    "DKIM-Signature: v=1; a=rsa-sha1; c=relaxed/relaxed; d=d."
    "test; i=@d.test;\r\n"
    " q=dns/txt; s=r; t=1795315536; h=from : to : subject : x"
    "-empty : date;\r\n"
    " bh=iAWcoRL2XljHMui5hiU3MxTH1mE=;\r\n"
    " b=WMu7/qRwxe8QsrJf9ylZh4NGvp7lHSLVhm8ZhipbntUMLQHoScCuA"
    "xBPDbz9/NX93Zzgt\r\n"
    " 6GTZP5cD1bmXauSsKFV7SnM9PYzApDRd6MgwKHmb5dTYfXAMd4IKWbe"
    "for0G6HC25OBZif0\r\n"
    " vWeD/zGSQn0iIbJ9NXZ2KaTriZJvYa0=\r\n"
    "Received: from x by y;\r\n"
    "\tMon, 1 Jan 2024 00:00:00 +0000\r\n"
    "From:  Joe  <joe@d.test>\r\n"
    "TO: anna@example.org\r\n"
    "Subject: folded\r\n"
    " \t and  spaced \r\n"
    "X-Empty:\r\n"
    "Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n"
    "\r\n"
    " leading \t blanks \r\n"
    "\r\n"
    "\r\n"
    "line two\t\r\n"
    ".dot\r\n"
    "\r\n"
    "\r\n";

static const char short_key[] =
    "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d="
    "d.test;\r\n"
    " i=@d.test; q=dns/txt; s=short; t=1795315536; h=from : t"
    "o : subject :\r\n"
    " x-empty : date; bh=06SeAqfd0aUkkPWA/mmB7gd+6V+q7YHdu1RS"
    "LADeEnc=;\r\n"
    " b=YEBQ/qK/YavTVM8pZJ3NQ/lZXpGYV3pIbE/J7PxeKEogajfm4ZrYX"
    "0kkms0Lz6LcLswXl\r\n"
    " iq5yNnOloR7/9hGbktDETqQU0iO1pKgBEiK7vdY6b8bZnWBF0wq/cQt"
    "vClk\r\n"
    "Received: from x by y;\r\n"
    "\tMon, 1 Jan 2024 00:00:00 +0000\r\n"
    "From:  Joe  <joe@d.test>\r\n"
    "TO: anna@example.org\r\n"
    "Subject: folded\r\n"
    " \t and  spaced \r\n"
    "X-Empty:\r\n"
    "Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n"
    "\r\n"
    " leading \t blanks \r\n"
    "\r\n"
    "\r\n"
    "line two\t\r\n"
    ".dot\r\n"
    "\r\n"
    "\r\n";

#endif
