"""Writes OCI image layouts, as skopeo, oras and kcl's own package manager do."""
import gzip
import hashlib
import io
import json
import pathlib
import tarfile

REF_NAME = "org.opencontainers.image.ref.name"
TAR = "application/vnd.oci.image.layer.v1.tar"


def tar_of(files, links=()):
    """A tar of {name: text}, with symbolic links (name, target)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            tar.addfile(info, io.BytesIO(text.encode()))
        for name, target in links:
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return out.getvalue()


class Layout:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        (self.folder / "blobs" / "sha256").mkdir(parents=True)
        (self.folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        self.manifests = []
        self.write_index()

    def write_index(self):
        (self.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": self.manifests}))

    def blob(self, data, media_type, **more):
        """Stores it; its descriptor."""
        digest = hashlib.sha256(data).hexdigest()
        (self.folder / "blobs" / "sha256" / digest).write_bytes(data)
        return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": len(data), **more}

    def add(self, archive, ref=None, name=None, version=None, layer_type=TAR, compress=False, index_annotations=None):
        """A module in a tar; the digest of its manifest."""
        data = gzip.compress(archive, mtime=0) if compress else archive
        manifest = {"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": TAR,
                    "config": self.blob(b"{}", "application/vnd.oci.empty.v1+json"), "layers": [self.blob(data, layer_type)]}
        if name:
            manifest["annotations"] = {"org.kcllang.package.name": name, "org.kcllang.package.version": version or "",
                                       "org.kcllang.package.sum": "of the folder"}
        descriptor = self.blob(json.dumps(manifest).encode(), manifest["mediaType"])
        annotations = {**({REF_NAME: ref} if ref else {}), **(index_annotations or {})}
        if annotations:
            descriptor["annotations"] = annotations
        self.manifests.append(descriptor)
        self.write_index()
        return descriptor["digest"]
