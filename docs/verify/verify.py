#!/usr/bin/env python3
"""Verifies Exeunt's evidence without Exeunt: python3 with its standard library, and the openssl command.

    python3 verify.py packet FILE --key KEY [--log DIR] [--witness KEY ... --quorum N] [--tsa-ca PEM]
    python3 verify.py log DIR --key KEY [--earlier CHECKPOINT ...] [--witness KEY ... --quorum N]

KEY is a verifier key (name+id+base64), or a file that holds one. Take it from the owner of the log, not from the
packet. The exit code is 0 when everything holds, 1 when something does not, 2 when nothing could be checked.

It was written from these specifications, and from what docs/proof.md says of leaves and packets:
  c2sp.org/signed-note   c2sp.org/tlog-checkpoint   c2sp.org/tlog-cosignature   c2sp.org/tlog-proof
  c2sp.org/tlog-tiles    RFC 6962 section 2.1       RFC 9162 section 2.1.3      APPNOTE.TXT 6.3 (zip)
  RFC 3161 (time stamps, which openssl checks)
"""

import argparse
import base64
import calendar
import hashlib
import json
import os
import re
import struct
import subprocess
import sys
import tempfile
import time
import zlib


class Refused(Exception):
    """Something does not hold; the text says where and what."""


def require(holds, where, what):
    if not holds:
        raise Refused(f"{where}: {what}")


# ---- Hashes: RFC 6962, section 2.1 ----------------------------------------------------------------------------------


def sha256(*parts):
    h = hashlib.sha256()
    for part in parts:
        h.update(part)
    return h.digest()


def leaf_hash(leaf):
    return sha256(b"\x00", leaf)


def node_hash(left, right):
    return sha256(b"\x01", left, right)


def root_from_proof(index, size, leaf, path):
    """RFC 9162, section 2.1.3.2. None when the path has not the length that index and size demand."""
    if index >= size:
        return None
    fn, sn, r = index, size - 1, leaf
    for p in path:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            r = node_hash(p, r)
            while not fn & 1 and fn != 0:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, p)
        fn, sn = fn >> 1, sn >> 1
    return r if sn == 0 else None


def unbase64(text, length=None):
    """Standard base64 in its one canonical spelling, else None."""
    try:
        raw = base64.b64decode(text, validate=True)
    except ValueError:
        return None
    return raw if base64.b64encode(raw).decode() == text and length in (None, len(raw)) else None


def decimal(text):
    """A number without sign and leading zeroes, else None."""
    return int(text) if re.fullmatch(r"0|[1-9][0-9]{0,17}", text) else None


# ---- Signatures: signed-note, tlog-cosignature ----------------------------------------------------------------------

ED25519, COSIGNATURE = 1, 4  # signature types of c2sp.org/signed-note


class Key:
    """A verifier key: name+id+base64(type, 32 bytes of Ed25519 public key)."""

    def __init__(self, text, kind):
        name, _, rest = text.strip().partition("+")
        ident, _, material = rest.partition("+")
        raw = unbase64(material, 33)
        if not name or raw is None or raw[0] != kind:
            sys.exit(f"verify.py: {text.strip()!r} is not a verifier key of the kind that is needed here")
        self.name, self.public, self.kind = name, raw[1:], kind
        self.id = sha256(name.encode(), b"\n", raw)[:4]
        if self.id.hex() != ident:
            sys.exit(f"verify.py: the key of {name} is damaged: its id is not that of its bytes")

    def verifies(self, text, signature):
        if self.kind == COSIGNATURE:  # an 8-byte time stands before the signature, and is signed with the text
            if len(signature) != 72:
                return False
            text = b"cosignature/v1\ntime %d\n" % struct.unpack(">Q", signature[:8]) + text
            signature = signature[8:]
        return len(signature) == 64 and openssl_verifies(self.public, text, signature)


def openssl_verifies(public, text, signature):
    with tempfile.TemporaryDirectory() as folder:
        files = {}
        # The key as SubjectPublicKeyInfo, RFC 8410 section 4.
        for name, data in (("key", bytes.fromhex("302a300506032b6570032100") + public), ("text", text), ("sig", signature)):
            files[name] = os.path.join(folder, name)
            with open(files[name], "wb") as f:
                f.write(data)
        return subprocess.run(
            ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", files["key"],
             "-rawin", "-in", files["text"], "-sigfile", files["sig"]],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0


def openssl_stamped(token, data, authority):
    """When an RFC 3161 token says that data existed, in seconds; None when it is no token over it under the authority.
    Certificates are judged as of that time: an authority's expire long before the evidence does."""
    with tempfile.TemporaryDirectory() as folder:
        stamp, text = os.path.join(folder, "tst"), os.path.join(folder, "data")
        for name, content in ((stamp, token), (text, data)):
            with open(name, "wb") as f:
                f.write(content)
        shown = subprocess.run(["openssl", "ts", "-reply", "-in", stamp, "-token_in", "-token_out", "-text"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout.decode("ascii", "replace")
        at = re.search(r"^Time stamp: (\w{3} +\d+ \d\d:\d\d:\d\d)(?:\.\d+)? (\d{4}) GMT$", shown, re.MULTILINE)
        if not at:
            return None
        seconds = calendar.timegm(time.strptime(" ".join(at.groups()), "%b %d %H:%M:%S %Y"))
        holds = subprocess.run(["openssl", "ts", "-verify", "-in", stamp, "-token_in", "-data", text, "-CAfile", authority, "-attime", str(seconds)],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0
        return seconds if holds else None


class Checkpoint:
    """A signed note with origin, size and root of a log (tlog-checkpoint), whose signatures were checked."""

    def __init__(self, raw, trust, where="checkpoint"):
        try:
            note = raw.decode("utf-8")
        except UnicodeDecodeError:
            raise Refused(f"{where}: it is not UTF-8") from None
        text, blank, signatures = note.rpartition("\n\n")
        text += "\n"
        require(blank and signatures.endswith("\n") and not re.search(r"[\x00-\x09\x0b-\x1f]", note), where,
                "it is not a signed note")
        signed = {key: False for key in trust.keys + trust.witnesses}
        lines = signatures[:-1].split("\n")
        require(len(lines) <= 100, where, "it has too many signatures")
        for line in lines:
            match = re.fullmatch("\u2014 ([^ +]+) ([^ ]+)", line)
            signature = unbase64(match.group(2)) if match else None
            require(signature and len(signature) > 4, where, "one of its signatures is not well formed")
            for key in signed:
                if (key.name, key.id) == (match.group(1), signature[:4]):
                    require(key.verifies(text.encode(), signature[4:]), where, f"the signature of {key.name} is wrong")
                    signed[key] = True
        lines = text[:-1].split("\n")
        require(len(lines) >= 3 and all(lines), where, "it has not the lines origin, size and root")
        self.raw, self.origin, self.size, self.root = raw, lines[0], decimal(lines[1]), unbase64(lines[2], 32)
        require(self.size is not None and self.root is not None, where, "its size or root is not well formed")
        require(any(signed[key] and key.name == self.origin for key in trust.keys), where,
                "it is not signed by a trusted key of this log")
        seen = sum(signed[key] for key in trust.witnesses)
        require(seen >= trust.quorum, where, f"{seen} of the witnesses signed it, and {trust.quorum} have to")


class Trust:
    """The keys that the auditor got from somewhere else."""

    def __init__(self, keys, witnesses, quorum):
        self.keys = [Key(text, ED25519) for text in keys]
        # A witness that is given twice is one: it must not reach a quorum alone.
        self.witnesses = list({(key.name, key.id): key for key in (Key(text, COSIGNATURE) for text in witnesses)}.values())
        self.quorum = len(self.witnesses) if quorum is None else quorum
        if self.quorum > len(self.witnesses):
            sys.exit("verify.py: --quorum is more than the witnesses that were given")

    def of_the_log(self):
        """The keys alone. A log signs without waiting for witnesses; what they have signed lies beside its checkpoint."""
        alone = Trust([], [], None)
        alone.keys = self.keys
        return alone


# ---- Leaves: docs/proof.md, "A leaf" --------------------------------------------------------------------------------

LEAF_FIELDS = {"v": int, "source": str, "n": int, "case": str, "seq": int, "prev": str, "kind": str, "count": int, "commit": str}
LEAF_KINDS = {"case.open": "open", "case.close": "close", "case.erase": "erase", "log.manifest": "manifest"}  # else: event


def read_leaf(raw, where):
    """A leaf in its one spelling: these fields, in this order, prev and count only when there is something."""
    try:
        pairs = json.loads(raw.decode("utf-8"), object_pairs_hook=list)
        leaf = dict(pairs)
    except (ValueError, TypeError):
        raise Refused(f"{where}: it is not a leaf in JSON") from None
    order = [name for name in LEAF_FIELDS if name in leaf]
    well = [name for name, _ in pairs] == order and set(LEAF_FIELDS) - set(leaf) <= {"prev", "count"} \
        and all(type(leaf[name]) is LEAF_FIELDS[name] for name in leaf) and leaf.get("prev") != "" and leaf.get("count") != 0
    require(well and spell(leaf) == raw, where, "the leaf is not in its one canonical form")
    return {"prev": "", "count": 0, **leaf}


def spell(value):
    """JSON without blanks, and <, >, & and the two odd line ends as Go writes them."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return text.encode("utf-8")


class History:
    """What makes leaves a history: n is the place in the log; per case seq is dense, and prev names the leaf before."""

    def __init__(self, origin):
        self.origin, self.cases = origin, {}

    def add(self, leaf, hashed, index, where):
        count, last = self.cases.get(leaf["case"], (0, ""))
        kind, of_case = leaf["kind"], leaf["case"] != ""
        require(leaf["v"] == 1, where, "this program knows leaves of version 1 only")
        require(leaf["source"] == self.origin, where, "its leaf is of another log")
        require(leaf["n"] == index, where, f"its number is {leaf['n']}, but it stands at index {index} of the log")
        require(leaf["seq"] == count, where, f"its seq is {leaf['seq']} where {count} is due: an entry is missing, repeated or out of order")
        require(leaf["prev"] == last, where, "its prev is not the hash of the entry before it")
        require(kind in ("open", "event", "close", "erase", "manifest"), where, f"there is no kind {kind!r} of leaf")
        require(of_case or kind in ("event", "manifest"), where, f"a leaf of kind {kind} belongs to no case")
        require(not (of_case and kind == "manifest"), where, "a manifest stands in a case")
        require(not of_case or (kind == "open") == (count == 0), where, "a case has one open leaf, and it is the first")
        require(leaf["count"] == (count + 1 if kind == "close" else 0), where, "its count is not that of the case's leaves")
        self.cases[leaf["case"]] = (count + 1, hashed.hex())


def read_body(leaf, salt, body, where):
    """The body that a leaf commits to."""
    require(salt is not None and len(salt) == 32, where, "its salt has not 32 bytes")
    require(body is not None and sha256(b"exeunt entry commitment v1\n", salt, body).hex() == leaf["commit"], where,
            "its body and salt are not those that the leaf commits to")
    try:
        entry = json.loads(body.decode("utf-8"))
    except ValueError:
        raise Refused(f"{where}: its body is not JSON") from None
    require(isinstance(entry, dict) and isinstance(entry.get("kind"), str) and entry.get("id"), where, "its body is not an entry")
    require(LEAF_KINDS.get(entry["kind"], "event") == leaf["kind"], where, f"its body tells of {entry['kind']}, its leaf of {leaf['kind']}")
    return entry


# ---- The packet -----------------------------------------------------------------------------------------------------

SUFFIXES = (".leaf.json", ".tlog-proof", ".body.json", ".salt")
ENTRY_SUFFIXES = (*SUFFIXES, ".tst")  # a time stamp of the leaf, for openssl ts: see README.md
DOCUMENTS = ("record.html", "record.pdf")
FIXED = ("README.txt", "case.json", "key.pub", "checkpoint", *DOCUMENTS, *("documents" + s for s in SUFFIXES))


def unzip(data):
    """The files of a zip. Every byte has to belong to a file or to the list of files, and both have to agree on names
    and sizes: otherwise another program could show other files than are verified here."""
    odd = "the archive is cut short, or has bytes that belong to none of its files"
    require(len(data) >= 22 and data[-22:-18] == b"PK\x05\x06", "packet", odd)
    disks, here, count, size, start, comment = struct.unpack("<IHHIIH", data[-18:])
    require(disks == 0 and here == count and comment == 0 and start + size + 22 == len(data), "packet", odd)
    files, at, entry = {}, 0, start
    while entry < start + size:
        require(data[entry:entry + 4] == b"PK\x01\x02" and entry + 46 <= start + size, "packet", odd)
        (flags, method, _, crc, packed, full, name_size, extra, note, _, _, _, offset) = struct.unpack("<HHIIIIHHHHHII", data[entry + 8:entry + 46])
        raw_name = data[entry + 46:entry + 46 + name_size]
        name = raw_name.decode("utf-8", "replace")
        require(name not in files, name, "the packet has this file twice")
        require(not extra and not note and not flags & ~0x808 and method in (0, 8), name, "the archive says more of it than its name and size")
        local = struct.pack("<HH", flags, method) + data[entry + 12:entry + 16]
        sizes = struct.pack("<III", crc, packed, full)
        body = at + 30 + name_size
        end = body + packed
        if flags & 8:  # the sizes follow the data
            local, tail = local + data[at + 14:at + 26], b"PK\x07\x08" + sizes
        else:
            local, tail = local + sizes, b""
        require(offset == at and data[at:at + 4] == b"PK\x03\x04" and data[at + 6:at + 26] == local and data[at + 26:body] == struct.pack("<HH", name_size, 0) + raw_name
                and data[end:end + len(tail)] == tail, name, "the list of files and what stands at the file differ")
        files[name] = inflate(data[body:end], method, full, crc, name)
        at, entry = end + len(tail), entry + 46 + name_size
    require(at == start and len(files) == count, "packet", odd)
    return files


def inflate(data, method, size, crc, name):
    require(size <= (64 << 20 if name in DOCUMENTS else 1 << 20), name, "it is too large")
    if method == 8:
        try:
            stream = zlib.decompressobj(-15)
            data = stream.decompress(data, size + 1)
            require(stream.eof and not stream.unused_data, name, "it is damaged")
        except zlib.error:
            raise Refused(f"{name}: it is damaged") from None
    require(len(data) == size and zlib.crc32(data) == crc, name, "it is damaged")
    return data


class Packet:
    """The evidence of one case."""

    def __init__(self, data, trust):
        self.files = unzip(data)
        self.count = self.check_names()
        self.checkpoint = Checkpoint(self.files["checkpoint"], trust)
        self.facts = self.read_facts()
        self.history, self.entries = History(self.checkpoint.origin), []
        for seq in range(self.count):
            self.entries.append(self.check_entry(f"entries/{seq:06d}"))
        self.check_whole()
        self.check_documents()

    def check_names(self):
        for name in FIXED:
            require(name in self.files, name, "the file is missing")
        left, count = set(self.files) - set(FIXED), 0
        while any(f"entries/{count:06d}{suffix}" in left for suffix in ENTRY_SUFFIXES):
            left -= {f"entries/{count:06d}{suffix}" for suffix in ENTRY_SUFFIXES}
            count += 1
        require(not left, min(left, default=""), "it is no file of a packet, or entries before it are missing")
        return count

    def read_facts(self):
        try:
            facts = json.loads(self.files["case.json"].decode("utf-8"))
        except ValueError:
            raise Refused("case.json: it is not JSON") from None
        require(isinstance(facts, dict) and facts.get("format") == "exeunt evidence packet v1", "case.json", "its format is unknown here")
        require(facts.get("log") == self.checkpoint.origin, "case.json", "it names another log than the checkpoint")
        require(facts.get("handle"), "case.json", "it names no case")
        require(facts.get("entries") == self.count > 0, "case.json", f"it speaks of {facts.get('entries')} entries, the packet has {self.count}")
        return facts

    def check_inclusion(self, name):
        """The leaf of a name, and where the log has it: c2sp.org/tlog-proof."""
        raw, where = self.files.get(name + ".leaf.json", b""), name + ".tlog-proof"
        head, blank, checkpoint = self.files.get(where, b"").partition(b"\n\n")
        lines = head.decode("utf-8", "replace").split("\n")
        require(blank and len(lines) >= 2 and lines[0] == "c2sp.org/tlog-proof@v1" and lines[1].startswith("index "), where, "it is not a proof")
        index, path = decimal(lines[1][6:]), [unbase64(line, 32) for line in lines[2:]]
        require(index is not None and None not in path, where, "it is not a proof")
        require(checkpoint == self.checkpoint.raw, where, "it is a proof under another checkpoint")
        leaf, hashed = read_leaf(raw, name), leaf_hash(raw)
        require(root_from_proof(index, self.checkpoint.size, hashed, path) == self.checkpoint.root, name, f"the log does not have this leaf at index {index}")
        return leaf, hashed, index

    def check_entry(self, name):
        leaf, hashed, index = self.check_inclusion(name)
        require(leaf["case"] == self.facts["handle"], name, "it belongs to another case")
        self.history.add(leaf, hashed, index, name)
        salt, body = self.files.get(name + ".salt"), self.files.get(name + ".body.json")
        if salt is None and body is None:
            return leaf, None  # see check_whole
        entry = read_body(leaf, salt, body, name)
        require(entry.get("case") == self.facts["case"], name, "its body is about another case")
        return leaf, entry

    def check_whole(self):
        closed = any(leaf["kind"] == "close" for leaf, _ in self.entries)
        require(closed == self.facts.get("closed"), "case.json", "it says closed where no entry closes the case, or the other way round")
        erased, events = False, set()
        for seq, (leaf, entry) in reversed(list(enumerate(self.entries))):
            name = f"entries/{seq:06d}"
            require(entry is not None or erased, name, "its body is missing, and no later entry says that the case was erased")
            if entry is not None:
                require(entry["id"] not in events, name, "it tells an event that a later entry tells again")
                events.add(entry["id"])
                erased = erased or leaf["kind"] == "erase"

    def check_documents(self):
        """record.html and record.pdf against the entry of the installation that has their digests."""
        name = "documents"
        leaf, _, index = self.check_inclusion(name)
        count, last = self.history.cases[self.facts["handle"]]
        require(leaf["v"] == 1 and leaf["source"] == self.checkpoint.origin and leaf["n"] == index, name, "its leaf is not one of this log at this place")
        require(leaf["case"] == "" and leaf["kind"] == "event" and leaf["count"] == 0, name, "its leaf is none of the installation")
        require(index > self.entries[-1][0]["n"], name, "it stands before the entries that the documents tell of")
        entry = read_body(leaf, self.files[name + ".salt"], self.files[name + ".body.json"], name)
        require(entry["kind"] == "document.make" and entry.get("about") == self.facts["case"] and not entry.get("case"), name, "it does not tell of documents of this case")
        detail = entry.get("detail", {})
        require((detail.get("entries"), detail.get("last")) == (str(count), last), name, "the documents tell of other entries than the packet has")
        require({k for k in detail if k.startswith("file.")} == {"file." + d for d in DOCUMENTS}, name, "it names other documents")
        for document in DOCUMENTS:
            require(sha256(self.files[document]).hex() == detail["file." + document], document, "it is not the document whose digest the log has")

    def check_stamp(self, authority):
        """When the leaf that closes the case was time-stamped. It names the one before it and commits to its body, and so
        does each before it: what existed at that time is the whole record up to the close."""
        for seq, (leaf, _) in enumerate(self.entries):
            if leaf["kind"] == "close":
                name = f"entries/{seq:06d}"
                require(name + ".tst" in self.files, name, "it closes the case, and has no time stamp")
                at = openssl_stamped(self.files[name + ".tst"], self.files[name + ".leaf.json"], authority)
                require(at is not None, name + ".tst", "it is no time stamp of this leaf under that authority")
                return at
        raise Refused("packet: the case is not closed, so that nothing of it is time-stamped")

    def check_against(self, log):
        """That the log has no more of the case, which a packet cannot show."""
        handle = self.facts["handle"]
        require(log.checkpoint.origin == self.checkpoint.origin, "log", "it is another log than the packet's")
        require(log.history.cases.get(handle) == self.history.cases[handle], "log", "it has other or more entries of the case than the packet")


# ---- The log --------------------------------------------------------------------------------------------------------


class Log:
    """A whole log in the layout of c2sp.org/tlog-tiles. Every entry is hashed, every hash tile compared, and the root
    computed anew; so is the root at the size of each earlier checkpoint, which shows that the log only grew. Where a quorum
    of witnesses is asked for, the newest checkpoint that they have signed is one of these."""

    def __init__(self, folder, trust, earlier=()):
        self.folder = folder
        with open(os.path.join(folder, "checkpoint"), "rb") as f:
            self.checkpoint = Checkpoint(f.read(), trust.of_the_log())
        self.cosigned = self.read_cosigned(trust) if trust.quorum else None
        if self.cosigned:
            earlier = [*earlier, self.cosigned]
        self.history, self.levels, self.full = History(self.checkpoint.origin), [[]], [0]
        for old in earlier:
            require(old.origin == self.checkpoint.origin and old.size <= self.checkpoint.size, "checkpoint",
                    "an earlier one is over more entries, or of another log: entries were cut off")
        due = {}
        for old in earlier:
            due.setdefault(old.size, []).append(old)
        index = 0
        while index < self.checkpoint.size:
            for raw in self.bundle(index // 256, min(256, self.checkpoint.size - index)):
                where, hashed = f"entry {index}", leaf_hash(raw)
                self.history.add(read_leaf(raw, where), hashed, index, where)
                index += 1
                self.push(0, hashed)
                for old in due.get(index, []):
                    require(self.root() == old.root, "checkpoint", f"an earlier one over {index} entries was signed for others than these: the log was rewritten")
        for level, hashes in enumerate(self.levels):
            if hashes:
                self.compare(level)
        require(self.root() == self.checkpoint.root, "checkpoint", "its root is not that of the entries")

    def read_cosigned(self, trust):
        """The newest checkpoint that witnesses have signed."""
        try:
            with open(os.path.join(self.folder, "cosigned"), "rb") as f:
                return Checkpoint(f.read(), trust, "cosigned")
        except FileNotFoundError:
            raise Refused("cosigned: the log has no checkpoint that witnesses have signed") from None

    def read(self, level, number, width):
        """A tile or bundle: the partial file of its width, or the full one that took its place."""
        digits = f"{number % 1000:03d}"
        while number >= 1000:
            number //= 1000
            digits = f"x{number % 1000:03d}/{digits}"
        name = f"tile/{level}/{digits}"
        for candidate in ([f"{name}.p/{width}"] if width < 256 else []) + [name]:
            try:
                with open(os.path.join(self.folder, candidate), "rb") as f:
                    return f.read(), candidate
            except FileNotFoundError:
                continue
        raise Refused(f"{name}: the file is missing")

    def bundle(self, number, width):
        raw, name = self.read("entries", number, width)
        entries, at = [], 0
        for _ in range(width):
            size = int.from_bytes(raw[at:at + 2], "big")
            require(at + 2 + size <= len(raw), name, "it is cut short")
            entries.append(raw[at + 2:at + 2 + size])
            at += 2 + size
        require(at == len(raw) or (width < 256 and ".p/" not in name), name, "bytes follow its last entry")
        return entries

    def push(self, level, hashed):
        if level == len(self.levels):
            self.levels.append([])
            self.full.append(0)
        self.levels[level].append(hashed)
        if len(self.levels[level]) == 256:
            self.compare(level)
            whole = perfect(self.levels[level])
            self.levels[level], self.full[level] = [], self.full[level] + 1
            self.push(level + 1, whole)

    def compare(self, level):
        want = b"".join(self.levels[level])
        raw, name = self.read(level, self.full[level], len(self.levels[level]))
        require(raw[:len(want)] == want and len(raw) in (len(want), 256 * 32), name, "its hashes are not those of what is below it")

    def root(self):
        """RFC 6962, section 2.1: fold what the levels hold, from the right edge of the tree inwards."""
        right = None
        for hashes in self.levels:
            hashes = list(hashes)
            while hashes:
                width = len(hashes) & -len(hashes)
                left = perfect(hashes[-width:])
                right = left if right is None else node_hash(left, right)
                del hashes[-width:]
        return sha256() if right is None else right


def perfect(hashes):
    """The root of a tree whose number of leaves is a power of two."""
    while len(hashes) > 1:
        hashes = [node_hash(hashes[i], hashes[i + 1]) for i in range(0, len(hashes), 2)]
    return hashes[0]


# ---- The command ----------------------------------------------------------------------------------------------------


def key_text(argument):
    """A key as it is, or the keys in a file."""
    if os.path.exists(argument):
        with open(argument, encoding="utf-8") as f:
            return f.read().split()
    return [argument]


def run(options):
    keys = [text for argument in options.key for text in key_text(argument)]
    witnesses = [text for argument in options.witness for text in key_text(argument)]
    trust = Trust(keys, witnesses, options.quorum)
    if options.what == "log":
        earlier = []
        for name in options.earlier:
            with open(name, "rb") as f:
                earlier.append(Checkpoint(f.read(), Trust(keys, [], None), name))
        log = Log(options.path, trust, earlier)
        print(f"The log {log.checkpoint.origin} holds: {log.checkpoint.size} entries of {len(set(log.history.cases) - {''})} cases, root {log.checkpoint.root.hex()}.")
        if log.cosigned:
            print(f"The first {log.cosigned.size} are under a checkpoint that the witnesses have signed.")
        return
    with open(options.path, "rb") as f:
        packet = Packet(f.read(), trust)
    stamped = packet.check_stamp(options.tsa_ca) if options.tsa_ca else None
    if options.log:
        packet.check_against(Log(options.log, trust.of_the_log(), [packet.checkpoint]))
    print(f"The packet of case {packet.facts['case']} holds: {packet.count} entries, none missing, in order, signed by {packet.checkpoint.origin}.")
    if stamped is not None:
        print(f"Its close was time-stamped at {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(stamped))}.")
    if not packet.facts["closed"] and not options.log:
        print("The case is not closed: later entries may exist. A copy of the log shows it, see --log.")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["packet", "log"])
    parser.add_argument("path")
    parser.add_argument("--key", action="append", required=True, help="a verifier key of the log, or a file with one")
    parser.add_argument("--witness", action="append", default=[], help="a verifier key of a witness, or a file with some")
    parser.add_argument("--quorum", type=int, help="how many of the witnesses have to have signed; all when not given")
    parser.add_argument("--log", help="with packet: a copy of the log, to see that it has no more of the case")
    parser.add_argument("--tsa-ca", help="with packet: PEM file with the authority under which the close has to be time-stamped")
    parser.add_argument("--earlier", action="append", default=[], help="with log: a checkpoint that was kept")
    options = parser.parse_args()
    try:
        if options.tsa_ca:
            open(options.tsa_ca, "rb").close()
        run(options)
    except Refused as fault:
        print(f"REFUSED: {fault}")
        sys.exit(1)
    except OSError as fault:
        print(f"verify.py: {fault}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
