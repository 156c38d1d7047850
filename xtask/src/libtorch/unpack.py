"""Makes a libtorch folder of wheels: unpack.py WHEELS FOLDER VERSION TRIAL MEMBER...

A member that ends in "/" is a folder; it becomes FOLDER/include. Any other is a library in FOLDER/lib.
"""

import ctypes
import os
import shutil
import sys
import zipfile
from pathlib import Path

wheels, folder, version, trial, *members = sys.argv[1:]
folder = Path(folder)
missing = set(members)
for path in sorted(Path(wheels).glob("*.whl")):
    with zipfile.ZipFile(path) as wheel:
        for name in wheel.namelist():
            member = next((m for m in members if name == m or m[-1] == "/" and name.startswith(m)), None)
            if member is None or name.endswith("/"):
                continue
            missing.discard(member)
            inside = Path("include") / name[len(member):] if member[-1] == "/" else Path("lib") / Path(name).name
            target = folder / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            with wheel.open(name) as source, open(target, "wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
if missing:
    sys.exit("the wheels lack " + ", ".join(sorted(missing)))

# torch-sys compares it with the version that it was made for.
(folder / "build-version").write_text(version + "\n")
if sys.platform == "linux":
    # torch-sys links `torch`, but the wheel's libtorch.so needs libtorch_cuda.so. GNU linkers read this script
    # instead, which names only the CPU libraries.
    (folder / "lib/libtorch.so").write_text("INPUT(-ltorch_cpu -lc10)\n")
    # torch-sys also links `gomp`; a machine that has only clang lacks that name.
    (folder / "lib/libgomp.so").symlink_to("libgomp.so.1")

# Binds all symbols. A missing library or a wrong glibc shows here, and not after minutes of compiling.
try:
    ctypes.CDLL(str(folder / "lib" / trial), mode=os.RTLD_NOW)
except OSError as error:
    sys.exit(f"this machine cannot load {trial}: {error}")
