<?php
// The suite as Horde_Imap_Client sees it.
// usage: php horde_client.php SERVER.JSON

error_reporting(E_ERROR);
spl_autoload_register(function ($name) {
	$file = stream_resolve_include_path(strtr($name, '_\\', '//') . '.php');
	if ($file !== false)
		require_once $file;
});

$server = json_decode(file_get_contents($argv[1]), true);

function check($what, $truth)
{
	if (!$truth) {
		echo "$what\n";
		exit(1);
	}
}

function connect($server)
{
	return new Horde_Imap_Client_Socket([
		'username' => 'user0001@' . $server['domain'],
		'password' => $server['password'],
		'hostspec' => 'localhost',
		'port' => $server['imaps_port'],
		'secure' => 'ssl',
		'context' => ['ssl' => ['cafile' => $server['cafile'],
		    'verify_peer' => true, 'verify_peer_name' => true]],
	]);
}

function letter($n, $more = '', $body = 'text')
{
	return "From: Alice <alice@example.net>\r\nSubject: number $n\r\n" .
	    "Date: Mon, $n Feb 2021 10:00:00 +0000\r\n" .
	    "Message-ID: <$n@horde.test>\r\n$more\r\n$body\r\n";
}

function subjects($c, $box, $ids)
{
	$query = new Horde_Imap_Client_Fetch_Query();
	$query->envelope();
	$out = [];
	foreach ($c->fetch($box, $query, ['ids' => $ids]) as $row)
		$out[] = $row->getEnvelope()->subject;
	return $out;
}

function search($c, $box, $query, $options = [])
{
	return $c->search($box, $query, $options)['match']->ids;
}

$c = connect($server);
$c->login();
check('QRESYNC', $c->capability->query('QRESYNC'));
check('namespace', count($c->getNamespaces()) == 1);
check('id', $c->getID()['name'] == 'Sealmail');

// Names, uses, subscriptions
foreach (['horde', "gr\u{fc}\u{df}e/unten"] as $name)
	$c->createMailbox($name);
$c->createMailbox('mine', ['special_use' => '\All']);
$c->subscribeMailbox('horde', true);
$list = $c->listMailboxes('*', Horde_Imap_Client::MBOX_ALL,
    ['attributes' => true, 'special_use' => true, 'children' => true]);
foreach (['INBOX', 'horde', 'mine', "gr\u{fc}\u{df}e",
    "gr\u{fc}\u{df}e/unten"] as $name)
	check("LIST $name", isset($list[$name]));
check('use', in_array('\all', $list['mine']['attributes']));
check('children', in_array('\haschildren',
    $list["gr\u{fc}\u{df}e"]['attributes']));
$list = $c->listMailboxes('*', Horde_Imap_Client::MBOX_SUBSCRIBED,
    ['flat' => true]);
check('subscribed', in_array('horde', array_map('strval', $list)));
$c->renameMailbox("gr\u{fc}\u{df}e", "\u{e4}ndern");
check('renamed', count($c->listMailboxes("\u{e4}ndern*")) == 2);

// Messages: flags, dates, octets in UTF-8
$parts = "MIME-Version: 1.0\r\n" .
    "Content-Type: multipart/mixed; boundary=b\r\n";
$body = "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" .
    "gr\u{fc}\u{df}e\r\n--b\r\n" .
    "Content-Type: application/octet-stream; name=a.bin\r\n" .
    "Content-Transfer-Encoding: base64\r\n\r\n" .
    base64_encode("attached \0 octets") . "\r\n--b--";
$uids = $c->append('horde', [
	['data' => letter(1), 'flags' => ['\seen', 'kw']],
	['data' => letter(2, "In-Reply-To: <1@horde.test>\r\n"),
	    'internaldate' => new DateTime('2003-08-17 12:00:00 +0200')],
	['data' => letter(3, $parts, $body)],
	['data' => letter(4, "To: J\u{fc}rgen <x@example.net>\r\n")],
])->ids;
check('uids', count($uids) == 4);
$status = $c->status('horde', Horde_Imap_Client::STATUS_ALL);
check('status', $status['messages'] == 4 && $status['unseen'] == 3);

$query = new Horde_Imap_Client_Fetch_Query();
$query->structure();
$query->flags();
$query->imapDate();
$query->size();
$query->modseq();
$query->fullText(['peek' => true]);
$query->bodyPart('2', ['decode' => true, 'peek' => true]);
$query->bodyPartSize('2');
$query->headers('of', ['message-id'], ['peek' => true]);
$rows = $c->fetch('horde', $query);
check('rows', count($rows) == 4);
$row = $rows[$uids[0]];
check('flags', $row->getFlags() == ['\seen', 'kw']);
check('octets', $row->getFullMsg() == letter(1) &&
    $row->getSize() == strlen(letter(1)));
check('date', $rows[$uids[1]]->getImapDate()->getTimestamp() ==
    strtotime('2003-08-17 10:00:00 UTC'));
$row = $rows[$uids[2]];
check('parts', $row->getStructure()->contentTypeMap() == [
    '0' => 'multipart/mixed', '1' => 'text/plain',
    '2' => 'application/octet-stream']);
check('decoded', $row->getBodyPart('2') == "attached \0 octets");
check('size', $row->getBodyPartSize('2') == 17);
check('field', trim($row->getHeaders('of')) == 'Message-ID: <3@horde.test>');
check('UTF-8', strpos($rows[$uids[3]]->getFullMsg(), "J\u{fc}rgen"));

// What is found, in which order
$query = new Horde_Imap_Client_Search_Query();
$query->charset('UTF-8', false);
$query->text("GR\u{dc}\u{df}E");
check('text', search($c, 'horde', $query) == [$uids[2]]);
$query = new Horde_Imap_Client_Search_Query();
$query->flag('kw', false);
$sort = ['sort' => [Horde_Imap_Client::SORT_REVERSE,
    Horde_Imap_Client::SORT_SUBJECT]];
check('sort', search($c, 'horde', $query, $sort) ==
    [$uids[3], $uids[2], $uids[1]]);
$thread = $c->thread('horde',
    ['criteria' => Horde_Imap_Client::THREAD_REFERENCES]);
check('thread', array_keys($thread->getThread($uids[1])) ==
    [$uids[0], $uids[1]]);

// Changes, as one that comes back is told of them
$other = connect($server);
$other->openMailbox('horde', Horde_Imap_Client::OPEN_READWRITE);
$token = $other->getSyncToken('horde');
$other->logout();
$c->store('horde', ['ids' => new Horde_Imap_Client_Ids([$uids[3]]),
    'add' => ['\flagged']]);
$map = $c->copy('horde', 'mine', ['move' => true, 'force_map' => true,
    'ids' => new Horde_Imap_Client_Ids([$uids[1]])]);
check('moved', count($map) == 1);
check('there', subjects($c, 'mine', new Horde_Imap_Client_Ids(
    array_values($map))) == ['number 2']);
$c->store('horde', ['ids' => new Horde_Imap_Client_Ids([$uids[0]]),
    'add' => ['\deleted']]);
$c->expunge('horde', ['ids' => new Horde_Imap_Client_Ids([$uids[0]])]);
$new = $c->append('horde', [['data' => letter(5)]])->ids;
$other = connect($server);
$sync = $other->sync(Horde_Imap_Client_Mailbox::get('horde'), $token,
    ['ids' => new Horde_Imap_Client_Ids($uids)]);
$gone = $sync->vanisheduids->ids;
sort($gone);
check('vanished', $gone == [$uids[0], $uids[1]]);
check('new', $sync->newmsgsuids->ids == $new);
check('changed', in_array($uids[3], $sync->flagsuids->ids));
$other->logout();

// Annotations and quotas
$c->setMetadata('horde', ['/private/comment' => "s\u{fc}\u{df}"]);
check('metadata', $c->getMetadata('horde', '/private/comment')
    ['horde']['/private/comment'] == "s\u{fc}\u{df}");
check('quota', count($c->getQuotaRoot('INBOX')) == 1);

$c->deleteMailbox('horde');
$list = $c->listMailboxes('horde');
check('deleted', count($list) == 0);
$c->logout();
echo "done\n";
