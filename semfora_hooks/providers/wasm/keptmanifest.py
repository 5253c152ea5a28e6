"""Manifests that were read before: reading and checking YAML takes longer than all else about a plugin that is warm."""

from __future__ import annotations

import hashlib

import msgspec

from semfora_hooks.index.results import code_stamp
from semfora_hooks.providers.wasm.filecache import FileCache
from semfora_hooks.providers.wasm.manifest import Limits, Manifest, ManifestPlugin, OnError, PluginEntry, parse_manifest


class _Plugin(msgspec.Struct, array_like=True):
    entry: PluginEntry
    limits: Limits
    on_error: OnError
    where: str
    excerpt: str


class _Kept(msgspec.Struct, array_like=True):
    plugins: list[_Plugin]
    files: set[str]
    names: set[str]


_decode = msgspec.msgpack.Decoder(_Kept).decode


class ManifestReader:
    """Reads manifests, and keeps what those without errors say.

    Args:
        cache: Where it is kept, by the manifest's content and by ours.
    """

    def __init__(self, cache: FileCache) -> None:
        self._cache = cache

    def __call__(self, data: bytes, shown: str) -> Manifest:
        """What `parse_manifest` gives."""
        key = hashlib.sha256(f"{code_stamp()} {msgspec.__version__} {shown}\0".encode() + data).hexdigest()
        kept = self._known(key)
        if kept is not None:
            plugins = [ManifestPlugin(p.entry, p.limits, p.on_error, p.where, p.excerpt) for p in kept.plugins]
            return Manifest(plugins, [], kept.files, kept.names)
        manifest = parse_manifest(data, shown)
        if manifest.readable and not manifest.errors:
            self._keep(key, manifest)
        return manifest

    def _known(self, key: str) -> _Kept | None:
        data = self._cache.get(key)
        if data is None:
            return None
        try:
            return _decode(data)
        except (msgspec.MsgspecError, ValueError):
            return None

    def _keep(self, key: str, manifest: Manifest) -> None:
        plugins = [_Plugin(p.entry, p.limits, p.on_error, p.where, p.excerpt) for p in manifest.plugins]
        kept = _Kept(plugins, manifest.files, manifest.names)
        try:
            data = msgspec.msgpack.encode(kept)
            is_faithful = _decode(data) == kept  # YAML knows values that this form has no place for, such as dates
        except (msgspec.MsgspecError, TypeError, ValueError, OverflowError):
            return
        if is_faithful:
            self._cache.put(key, data)
