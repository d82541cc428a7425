"""What downloads say to the user, in Italian and English; errors of the library itself are read in English."""

from __future__ import annotations

from collections.abc import Sequence

from diagnosis.errors import EXAMPLES_SHOWN, SourceError
from diagnosis.schema import Text

# Every text is one or more sentences, so that they can be put one after another.
MESSAGES = {
    # what came is not the file
    "not_the_file": Text(
        it="Il file {name} deve essere quello pubblicato dall'ente titolare.",
        en="The file {name} must be what its publisher issues.",
    ),
    "empty": Text(it="È vuoto.", en="It is empty."),
    "web_page": Text(
        it="È una pagina web: un errore, una richiesta di accesso o di consenso.",
        en="It is a web page, such as an error, a login or a consent page.",
    ),
    "no_zip": Text(
        it="Non è un archivio zip integro: è troncato, danneggiato, cifrato o di altro formato.",
        en="It is no complete zip: it is cut short, damaged, encrypted or of another kind.",
    ),
    "no_gzip": Text(
        it="Non è un file gzip integro: è troncato, danneggiato o di altro formato.",
        en="It is no complete gzip: it is cut short, damaged or of another kind.",
    ),
    "another_kind": Text(
        it="Il contenuto non è del tipo indicato dal nome ({kind}).",
        en="Its content is not of the kind its name says ({kind}).",
    ),
    "unsafe_xml": Text(
        it="La parte {member} contiene definizioni XML non ammesse, o una codifica insolita.",
        en="Its part {member} holds definitions of XML that are not allowed, or an unusual encoding.",
    ),
    "far_cell": Text(
        it="Il foglio {member} si estende oltre {limit} celle.",
        en="Its sheet {member} reaches beyond {limit} cells.",
    ),
    "unpacks_to_more": Text(
        it="Una volta estratto supera {limit} byte.", en="It unpacks to more than {limit} bytes."
    ),
    "member_damaged": Text(
        it="Il file {member} nell'archivio è danneggiato.", en="Its member {member} is damaged."
    ),
    "no_workbook": Text(
        it="Non è una cartella di lavoro xlsx; contiene: {members}.",
        en="It is no workbook; it holds: {members}.",
    ),
    "no_json": Text(it="Non è un documento JSON integro.", en="It is no complete JSON."),
    "one_member": Text(
        it="L'archivio zip deve contenere un solo file del tipo {pattern}.",
        en="The zip must hold one file like {pattern}.",
    ),
    "members_match": Text(
        it="File corrispondenti: {number}, fra {members}.",
        en="Files that match: {number}, among {members}.",
    ),
    "another_form": Text(
        it="L'ente titolare potrebbe averlo pubblicato in altra forma: correggere archive_member in "
        "data/sources.yml.",
        en="The publisher may have issued it in another form: correct archive_member in data/sources.yml.",
    ),
    "too_large": Text(
        it="Il file {name} non deve superare {limit} byte.",
        en="The file {name} must not be larger than {limit} bytes.",
    ),
    "sends": Text(it="Il server ne invia almeno {size}.", en="The server sends {size} or more."),
    "encoding": Text(
        it="Il server invia il file in una codifica non richiesta ({encoding}).",
        en="The server sends the file in an encoding that was not asked for ({encoding}).",
    ),
    "checksum": Text(
        it="Il file {name} deve avere l'impronta SHA-256 {listed}.",
        en="The file {name} must have the checksum {listed}.",
    ),
    "checksum_found": Text(it="L'impronta trovata è {found}.", en="The checksum found is {found}."),
    "another_file": Text(
        it="L'ente titolare potrebbe averlo sostituito: verificare il file e aggiornare data/sources.yml.",
        en="The publisher may have issued another file: look at it and change data/sources.yml.",
    ),
    "issued_again": Text(
        it="L'impronta SHA-256 non è quella in elenco: l'ente titolare potrebbe aver ripubblicato il file.",
        en="Its checksum is not the listed one: the publisher may have issued it again.",
    ),
    # it cannot be had now
    "interrupted": Text(
        it="Lo scaricamento è stato interrotto; quanto già ricevuto è conservato e si riprenderà da lì.",
        en="The download was interrupted; what came is kept and will be resumed.",
    ),
    "time_over": Text(
        it="Il tempo a disposizione è scaduto; quanto già ricevuto è conservato e si riprenderà da lì.",
        en="The time allowed is over; what came is kept and will be resumed.",
    ),
    "time_over_waiting": Text(
        it="Il tempo a disposizione scade prima del prossimo tentativo.",
        en="The time allowed is over before the next attempt.",
    ),
    "bad_address": Text(it="L'indirizzo {url} non è valido.", en="The address {url} is not valid."),
    "not_found": Text(
        it="Il file non si trova all'indirizzo {url} (risposta {status} del server).",
        en="The file is not at {url} (the server answered {status}).",
    ),
    "refused": Text(
        it="Il server nega l'accesso a {url} (risposta {status}).",
        en="The server refuses access to {url} (it answered {status}).",
    ),
    "answered": Text(
        it="Il server non ha fornito il file (risposta {status} da {url}).",
        en="The server did not give the file (it answered {status} at {url}).",
    ),
    "another_issue": Text(
        it="La parte già scaricata era di un'altra versione del file.",
        en="The part that was here was of another issue.",
    ),
    "another_range": Text(
        it="Il server ha inviato una parte diversa da quella richiesta.",
        en="The server sent another range than the one asked for.",
    ),
    "cut_short": Text(
        it="Il trasferimento si è interrotto: ricevuti {received} byte su {total}.",
        en="The transfer was cut: {received} of {total} bytes came.",
    ),
    "no_answer": Text(
        it="Il server non ha risposto in tempo.",
        en="The server did not answer in time.",
    ),
    "bad_certificate": Text(
        it="Il collegamento sicuro non è riuscito: il certificato del server non risulta valido.",
        en="The secure connection failed: the server's certificate is not valid here.",
    ),
    "proxy": Text(
        it="Il proxy della rete non consente il collegamento.",
        en="The proxy of the network does not let the connection through.",
    ),
    "bad_redirect": Text(
        it="Il server rinvia a un indirizzo che non è una pagina del web.",
        en="The server redirects to what is no address of the web.",
    ),
    "insecure_redirect": Text(
        it="Il server rinvia da un collegamento sicuro a uno non sicuro ({host}): non è stato seguito.",
        en="The server redirects from a secure connection to an insecure one ({host}): it was not followed.",
    ),
    "asked_to_wait": Text(
        it="Il server chiede di non essere interpellato per {seconds} secondi: riprovare più tardi.",
        en="The server asks to be left alone for {seconds} seconds: try again later.",
    ),
    "too_slow": Text(
        it="Il server ha inviato troppo poco per troppo tempo.",
        en="The server sent too little for too long.",
    ),
    "encoding_damaged": Text(
        it="Il server ha inviato il file compresso, ma incompleto o danneggiato.",
        en="The server sent the file compressed, but cut short or damaged.",
    ),
    "redirects": Text(
        it="Il server rinvia senza fine da un indirizzo all'altro.",
        en="The server redirects from one address to the next without end.",
    ),
    "unreachable": Text(
        it="Il server non è raggiungibile o ha interrotto il collegamento.",
        en="The server cannot be reached, or cut the connection.",
    ),
    "other_fault": Text(
        it="Il trasferimento non è riuscito per un errore imprevisto ({kind}).",
        en="The transfer failed with an unforeseen error ({kind}).",
    ),
    # how it went otherwise
    "not_asked": Text(it="Il file non è stato richiesto di nuovo.", en="It was not asked for again."),
    "just_here": Text(
        it="Un'altra esecuzione lo ha appena scaricato.", en="Another run has just downloaded it."
    ),
    "held": Text(it="Un'altra esecuzione lo sta scaricando.", en="Another run is downloading it."),
    "in_mirror": Text(
        it="Il file è nella copia locale (mirror), che ha la precedenza.",
        en="It is in the mirror, which comes first.",
    ),
    "offline": Text(
        it="Nessun server è stato interpellato, come richiesto.", en="No server was asked, as wished."
    ),
    "no_newer": Text(
        it="Non è stato possibile ottenere una versione più recente.", en="No newer one could be had."
    ),
    "no_address": Text(it="Il file non ha un indirizzo diretto.", en="It has no direct address."),
    "unconfirmed": Text(it="L'indirizzo non è confermato.", en="The address is not confirmed."),
    "by_hand": Text(
        it="Scaricarlo a mano da {page} e salvarlo come {path}.",
        en="Download it by hand from {page} and save it as {path}.",
    ),
    "cost": Text(
        it="Senza questo file la relazione perde: {needed_for}.",
        en="Without this file the report loses: {needed_for}.",
    ),
    # how it stands
    "verify_changed": Text(
        it="L'impronta SHA-256 non è quella registrata allo scaricamento: il file è stato modificato. Eliminarlo e "
        "scaricarlo di nuovo.",
        en="Its checksum is not the one recorded at download: it was changed since. Delete it and download it again.",
    ),
    "verify_differs": Text(
        it="L'impronta SHA-256 non è quella in elenco, e nessuno scaricamento la conferma: è un'altra edizione, oppure "
        "il file è stato modificato.",
        en="Its checksum is not the listed one, and no download vouches for it: it is another issue, or was changed.",
    ),
    "verify_part": Text(
        it="Uno scaricamento interrotto, che `diagnosis data pull` riprende.",
        en="A download that was cut; `diagnosis data pull` resumes it.",
    ),
    # the disk
    "disk_full": Text(
        it="Il file {path} non può essere scritto: lo spazio su disco è esaurito.",
        en="The file {path} cannot be written: the disk is full.",
    ),
    "disk_rights": Text(
        it="Il file {path} non può essere letto o scritto: mancano i permessi.",
        en="The file {path} cannot be read or written: the rights to do so are missing.",
    ),
    "disk_folder": Text(
        it="Il file {path} non può essere scritto: al posto di una cartella c'è un file, o viceversa.",
        en="The file {path} cannot be written: a file stands in place of a folder, or a folder of the file.",
    ),
    "disk_other": Text(
        it="Il file {path} non può essere letto o scritto (errore di sistema {code}).",
        en="The file {path} cannot be read or written (system error {code}).",
    ),
}


class BilingualError(SourceError):
    """A source error that can also be told in Italian; as an exception it reads in English.

    Parameters
    ----------
    must_hold, found, to_do : Text
        The three parts of every error, see :class:`diagnosis.errors.DiagnosisError`; full sentences.
    """

    def __init__(self, must_hold: Text, found: Text | None = None, to_do: Text | None = None) -> None:
        self.texts = (must_hold, found, to_do)
        super().__init__(*("" if text is None else text.en for text in self.texts))

    def __reduce__(self):
        return type(self), self.texts

    @property
    def text(self) -> Text:
        """The whole message in both languages."""
        texts = [text for text in self.texts if text is not None]
        return _text(" ".join(text.it for text in texts), " ".join(text.en for text in texts))


def message(key: str, **values: object) -> Text:
    """Fill in one of `MESSAGES`.

    Parameters
    ----------
    key : str
        Name of the message.
    **values : object
        What its places hold: names and numbers, or a Text where the two languages differ. Thousands are grouped
        as each language does.

    Returns
    -------
    Text
    """

    def fill(language: str, separator: str) -> str:
        shown = {name: _show(value, language, separator) for name, value in values.items()}
        return MESSAGES[key][language].format(**shown)

    return _text(fill("it", "."), fill("en", ","))


def list_names(names: Sequence[str]) -> str:
    """Quote the first names and join them, in a way that needs no words."""
    shown = [repr(name) for name in names[:EXAMPLES_SHOWN]]
    return ", ".join(shown if len(names) <= EXAMPLES_SHOWN else [*shown, "..."]) or "–"


def _show(value: object, language: str, separator: str) -> str:
    if isinstance(value, Text):
        return value[language]
    return f"{value:,}".replace(",", separator) if isinstance(value, int) else str(value)


def _text(it: str, en: str) -> Text:
    # Not validated: a path may hold bytes that are no UTF-8, which pydantic refuses.
    return Text.model_construct(it=it, en=en)
