"""Unpacks parts of wheels into a libtorch folder: unpack.py WHEELS FOLDER MEMBER...

A member that ends in "/" is a directory; it becomes FOLDER/include. Any other is a library in FOLDER/lib.
"""

import shutil
import sys
import zipfile
from pathlib import Path

wheels, folder, *members = sys.argv[1:]
missing = set(members)
for path in sorted(Path(wheels).glob("*.whl")):
    with zipfile.ZipFile(path) as wheel:
        for name in wheel.namelist():
            member = next((m for m in members if name == m or m[-1] == "/" and name.startswith(m)), None)
            if member is None or name.endswith("/"):
                continue
            missing.discard(member)
            inside = Path("include") / name[len(member):] if member[-1] == "/" else Path("lib") / Path(name).name
            target = Path(folder) / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            with wheel.open(name) as source, open(target, "wb") as file:
                shutil.copyfileobj(source, file, 1 << 20)
if missing:
    sys.exit("the wheels lack " + ", ".join(sorted(missing)))
