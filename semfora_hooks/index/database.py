"""One SQLite file a repository under the user's cache folder: where it is, and how it is opened, made and mended.

Whoever uses a database holds a shared lock on the file beside it; whoever makes, replaces or removes one needs that
lock alone. So a file is never swapped under another process's write-ahead log, and a killed process blocks nobody.
Nothing here raises for what a run without a cache survives, except `Unusable`, `OSError` and `sqlite3.Error`, which
callers turn into a miss.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import stat
import sys
import time
from pathlib import Path

import msgspec

if sys.platform != "win32":
    import fcntl

SCHEMA_VERSION = 1
"""Of the file as a whole, and part of its name, so that two versions of this program do not destroy each other's."""

_APPLICATION_ID = 0x53454D46  # "SEMF", says whose file it is
_BUSY_SECONDS = 2.0  # a hook does not wait longer for a cache
_LOG_BYTES = 16 << 20  # what is kept of the write-ahead log after a large transaction
_MAX_GIT_FILE = 1 << 12
_DAMAGE = frozenset({sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_TOOBIG})
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE blob (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    oid TEXT, language TEXT, version TEXT, used INTEGER, checksum INTEGER, facts BLOB,
    UNIQUE (oid, language, version)
);
"""


def today() -> int:
    """The day, as rows note their last use."""
    return int(time.time()) // 86_400


class Unusable(Exception):  # noqa: N818  not an error: the run goes on
    """Why there is no cache; the message is for `cache info`."""


class Database(msgspec.Struct, frozen=True):
    """An open database and the lock that goes with it.

    Attributes:
        read_only: It lies in a folder that cannot be written.
        mended: What was in its place was damaged or foreign, and was replaced.
        altered: Something else than a run changed the file, so that only what has checksums can be believed.
    """

    path: Path
    connection: sqlite3.Connection
    lock: FileLock
    read_only: bool
    mended: bool = False
    altered: bool = False

    def close(self) -> None:
        """Let go of both."""
        with contextlib.suppress(sqlite3.Error):
            self.connection.close()
        if not self.read_only:
            self.lock.seal(self.path)
        self.lock.release()


# ----------------------------------------------------------------------------------------------------------- places


def cache_folder() -> Path:
    """The user's cache folder for semfora-hooks; `SEMFORA_CACHE_DIR` overrides the platform's choice."""
    override = os.environ.get("SEMFORA_CACHE_DIR")
    if override:
        return Path(override).absolute()
    usual = _xdg_cache() if sys.platform == "linux" and "ANDROID_ROOT" not in os.environ else None
    if usual is not None:
        return usual / "semfora-hooks"
    import platformdirs

    return Path(platformdirs.user_cache_dir("semfora-hooks", appauthor=False)).absolute()


def _xdg_cache() -> Path | None:
    """What `platformdirs` says wherever that is plain, without its import, for which every hook would wait."""
    for variable, below in (("XDG_CACHE_HOME", ""), ("HOME", ".cache")):
        folder = os.environ.get(variable, "")
        if folder.startswith("/"):
            return Path(folder, below)
    return None


def shared_folder(root: Path) -> Path:
    """What the worktrees of one repository have in common: git's common directory; a plain folder is itself."""
    real = Path(os.path.realpath(root))
    git_folder = real / ".git"
    if not git_folder.is_dir():
        target = _first_line(git_folder)
        if target is None or not target.startswith("gitdir: "):
            return real
        git_folder = real / target.removeprefix("gitdir: ")
    common = _first_line(git_folder / "commondir")
    shared = Path(os.path.realpath(git_folder / common if common else git_folder))
    return shared if os.path.isfile(shared / "HEAD") else real  # noqa: PTH113  which forgives impossible names


def _first_line(path: Path) -> str | None:
    """The first line of a small regular file, as git writes them; `None` where there is none."""
    with contextlib.suppress(OSError, ValueError):
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(descriptor, "rb") as stream:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return os.fsdecode(stream.readline(_MAX_GIT_FILE)).rstrip("\r\n") or None
    return None


def database_path(shared: Path, folder: Path) -> Path:
    """Where the facts of a repository are kept, by its `shared_folder`."""
    name = hashlib.sha256(os.fsencode(shared)).hexdigest()[:24]
    return folder / f"{name}-v{SCHEMA_VERSION}.sqlite"


def check_folder(folder: Path, root: Path | None = None, *, create: bool = False) -> None:
    """See that only the user can write the cache folder, and that it is not in the repository.

    Raises:
        Unusable: It is not so.
        OSError: It is not there, or cannot be made.
    """
    real = Path(os.path.realpath(folder))
    for place in () if root is None else (Path(os.path.realpath(root)), shared_folder(root)):
        if real.is_relative_to(place):
            raise Unusable(f"the cache folder {folder} lies in the repository {place}, and nothing is written there")
    if create:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise Unusable(f"the cache folder {folder} is a symbolic link; set SEMFORA_CACHE_DIR to where it leads")
    if not stat.S_ISDIR(status.st_mode):
        raise Unusable(f"the cache folder {folder} is not a folder")
    if hasattr(os, "getuid"):
        if status.st_uid != os.getuid():
            raise Unusable(f"the cache folder {folder} belongs to another user, who could change what is in it")
        if status.st_mode & 0o022:
            raise Unusable(f"other users can write the cache folder {folder}; chmod go-w takes that away")


# ---------------------------------------------------------------------------------------------------------- locking


class FileLock:
    """A lock that ends with its process, however that ends."""

    def __init__(self, database: Path) -> None:
        self.path = database.with_suffix(".lock")
        self._descriptor: int | None = None

    def acquire(self, *, exclusive: bool, seconds: float = 0.0) -> bool:
        """Take the lock, or give it up after a while. A folder that cannot be written needs no shared lock.

        Raises:
            OSError: The file cannot be opened, or the file system knows no locks.
        """
        if sys.platform == "win32":  # it refuses to remove files that are open, which is all the lock is for
            return True
        self.release()
        end = time.monotonic() + seconds
        while True:
            try:
                descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            except OSError:
                if exclusive or os.access(self.path.parent, os.W_OK):
                    raise
                return True
            try:
                fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
                if _is_file(descriptor, self.path):  # otherwise it was removed while we waited
                    self._descriptor = descriptor
                    self._mark_used()
                    return True
                os.close(descriptor)
            except BlockingIOError:
                os.close(descriptor)
                if time.monotonic() >= end:
                    return False
                time.sleep(0.01)
            except OSError:
                os.close(descriptor)
                raise

    def _mark_used(self) -> None:
        """Its time says when the database was last used, to the day."""
        if self._descriptor is not None and time.time() - os.fstat(self._descriptor).st_mtime > 86_400:
            os.utime(self._descriptor)

    def seal(self, database: Path) -> None:
        """Write down what the database's file looks like, unless others will change it yet."""
        with contextlib.suppress(OSError):
            if self._descriptor is not None and not _log(database).exists():
                seal = _look(database)
                if os.pread(self._descriptor, 100, 0) != seal:
                    os.ftruncate(self._descriptor, 0)
                    os.pwrite(self._descriptor, seal, 0)

    def __del__(self) -> None:
        self.release()

    def release(self) -> None:
        """Let go; harmless where it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _log(database: Path) -> Path:
    return database.with_name(f"{database.name}-wal")


def _look(database: Path) -> bytes:
    """What changes whenever a file is written to."""
    status = database.stat()
    return b"%d %d" % (status.st_size, status.st_mtime_ns)


def _is_altered(database: Path) -> bool:
    """Whether something else than SQLite wrote to a database since its last user let go of it.

    SQLite notices few garbage pages by itself. Where there is a log, others use it now, or were killed, and it says
    nothing.
    """
    if sys.platform == "win32" or _log(database).exists():
        return False
    try:
        return _first_line(database.with_suffix(".lock")) != _look(database).decode()
    except OSError:
        return True


def _is_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


# ---------------------------------------------------------------------------------------------- opening and mending


def open_database(path: Path, repository: Path) -> Database:
    """The database at `path`: made where there is none, made again where it is damaged, foreign or outdated.

    Args:
        path: The file, in a folder that passed `check_folder`.
        repository: What to write down as its owner, for people.

    Raises:
        Unusable: A newer version wrote it, or something else is in its place.
        OSError: The file system refuses.
        sqlite3.Error: It is locked for too long, the disk is full, or the like.
    """
    lock = FileLock(path)
    mended = False
    try:
        if not os.access(path.parent, os.W_OK):
            lock.acquire(exclusive=False)
            altered = _is_altered(path)
            return Database(path, _open_read_only(path), lock, read_only=True, altered=altered)
        for _ in range(5):
            if not lock.acquire(exclusive=False, seconds=_BUSY_SECONDS):
                break
            altered = _is_altered(path)
            connection = _open_known(path)
            if connection is not None:
                return Database(path, connection, lock, read_only=False, mended=mended, altered=altered)
            if not lock.acquire(exclusive=True, seconds=_BUSY_SECONDS):
                break
            connection = _open_known(path)  # another process may have been faster
            if connection is None:
                mended = path.exists() and path.stat().st_size > 0
                _create(path, repository)
            else:
                connection.close()
    except BaseException:
        lock.release()
        raise
    lock.release()
    raise Unusable(f"{path} has to be made again, and other processes still use it")


def _open_known(path: Path) -> sqlite3.Connection | None:
    """The database as this version wrote it; `None` where it has to be made."""
    check_file(path)
    if not path.exists() or not path.stat().st_size:
        return None
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        if _is_ours(connection, path):
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.execute(f"PRAGMA journal_size_limit={_LOG_BYTES}")
            return connection
    except sqlite3.Error as error:
        connection.close()
        if not is_damage(error):
            raise
        return None
    except BaseException:
        connection.close()
        raise
    connection.close()
    return None


def connect_read_only(path: Path) -> sqlite3.Connection:
    """Any database, to look into it. In a folder that cannot be written, nobody writes one that has no log."""
    check_file(path)
    has_log = _log(path).exists() and _log(path).stat().st_size
    mode = "mode=ro" if has_log or os.access(path.parent, os.W_OK) else "mode=ro&immutable=1"
    return sqlite3.connect(f"{path.as_uri()}?{mode}", uri=True, timeout=_BUSY_SECONDS, isolation_level=None)


def _open_read_only(path: Path) -> sqlite3.Connection:
    """The database as this version wrote it, in a folder that cannot be written."""
    connection = connect_read_only(path)
    try:
        if _is_ours(connection, path):
            return connection
    except BaseException:
        connection.close()
        raise
    connection.close()
    raise Unusable(f"{path} was written by another version of this program, and cannot be replaced")


def check_file(path: Path) -> None:
    """See that what is in a database's place is none, or a file of the user's.

    Raises:
        Unusable: It is something else.
    """
    for suffix in ("", "-wal", "-shm", "-journal"):
        name = path.with_name(path.name + suffix)
        try:
            status = name.lstat()
        except FileNotFoundError:
            continue
        if not stat.S_ISREG(status.st_mode):
            raise Unusable(f"{name} is in the way: it is not a regular file; remove it")
        if hasattr(os, "getuid") and status.st_uid != os.getuid():
            raise Unusable(f"{name} belongs to another user, who could change what is in it; remove it")


def _is_ours(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether this version wrote the database."""
    connection.execute("PRAGMA trusted_schema=OFF")
    connection.execute("PRAGMA cell_size_check=ON")
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application == _APPLICATION_ID and version > SCHEMA_VERSION:
        raise Unusable(f"{path} was written by a newer version of this program, and is left alone")
    return bool(application == _APPLICATION_ID and version == SCHEMA_VERSION)


def _create(path: Path, repository: Path) -> None:
    """Make an empty database. The caller holds the lock alone."""
    remove_files(path)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
    try:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # so that evicting rows makes the file smaller
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("BEGIN IMMEDIATE")
        for statement in filter(str.strip, _SCHEMA.split(";")):
            connection.execute(statement)
        connection.execute("INSERT INTO meta VALUES ('repository', ?)", (os.fsencode(repository),))
        connection.execute(f"PRAGMA application_id={_APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        connection.execute("COMMIT")
        connection.close()
    except BaseException:
        connection.close()
        with contextlib.suppress(OSError):
            remove_files(path)
        raise


def is_damage(error: sqlite3.Error) -> bool:
    """Whether an error means that the file is not what we wrote; not that it is locked or the disk is full."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # Python's own: text that is not UTF-8
        return type(error) in (sqlite3.OperationalError, sqlite3.DatabaseError)
    return code & 0xFF in _DAMAGE


def remove_files(path: Path) -> None:
    """Remove a database. The caller holds the lock alone.

    Raises:
        OSError: It cannot be removed.
    """
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def remove_database(path: Path, *, seconds: float = 0.0) -> bool:
    """Remove a database nobody uses; whether that was possible.

    Raises:
        OSError: It cannot be removed.
    """
    lock = FileLock(path)
    if not lock.acquire(exclusive=True, seconds=seconds):
        return False
    try:
        remove_files(path)
        if sys.platform != "win32":
            lock.path.unlink(missing_ok=True)
    finally:
        lock.release()
    return True
