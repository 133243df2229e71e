"""A filter on python3-milter that does to a message what a file says: a test peer that uses every edit of the library.

Usage: every-edit.py SOCKET FOLDER [symlist]

The local part of the sender names a file in FOLDER: a JSON list of steps, each a list of a word and its arguments, done at
the end of the message in that order. Without a file nothing is done. With "symlist" it asks for macros of its own choice.
"""

import json
import os
import sys
import time

import Milter

VERDICTS = {
    "accept": Milter.ACCEPT,
    "continue": Milter.CONTINUE,
    "discard": Milter.DISCARD,
    "reject": Milter.REJECT,
    "tempfail": Milter.TEMPFAIL,
}


class EveryEdit(Milter.Base):
    """One SMTP connection."""

    folder = ""

    def __init__(self):
        self.steps = []
        self.seen = []

    @Milter.noreply
    def connect(self, name, family, address):
        return Milter.CONTINUE

    def envfrom(self, sender, *params):
        self.seen = []
        self.macros("mail", "i", "{mail_addr}")
        path = os.path.join(self.folder, sender.strip("<>").split("@")[0] + ".json")
        self.steps = []
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                self.steps = json.load(file)
        return Milter.CONTINUE

    @Milter.noreply
    def header(self, name, value):
        return Milter.CONTINUE

    def eom(self):
        self.macros("end", "i", "{msg_id}")
        verdict = Milter.CONTINUE
        for word, *args in self.steps:
            if word == "verdict":
                verdict = VERDICTS[args[0]]
            elif word == "sleep":
                time.sleep(args[0])
            elif word == "insheader":
                self.addheader(args[1], args[2], args[0])
            elif word == "macros":
                self.addheader("X-Macros", " ".join(self.seen))
            elif word == "replacebody":
                self.replacebody(args[0].encode("latin-1"))
            else:
                getattr(self, word)(*args)
        return verdict

    def macros(self, step, *names):
        """Which of these the gateway has told by now."""
        self.seen += [f"{step}:{name}" for name in names if self.getsymval(name) is not None]


class Choosy(EveryEdit):
    """Asks for other macros than the gateway would send by itself."""

    def negotiate(self, options):
        # The decorator for this hands over bytes, which the library of Python 3 refuses.
        self._ctx.setsymlist(Milter.M_ENVFROM, "{mail_addr}")
        self._ctx.setsymlist(Milter.M_EOM, "{msg_id} i")
        return super().negotiate(options)


def main():
    socket, folder, *more = sys.argv[1:]
    EveryEdit.folder = folder
    Milter.factory = Choosy if more == ["symlist"] else EveryEdit
    Milter.set_flags(Milter.CURR_ACTS)
    Milter.runmilter("every-edit", socket, 60)


main()
