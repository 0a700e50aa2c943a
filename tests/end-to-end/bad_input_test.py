# SPDX-License-Identifier: LGPL-2.1-or-later
"""What goes wrong around a real call gets a message that names it and its cure, and nothing is left behind."""

import os
import pathlib
import shutil
import socket
import subprocess
import unittest

from lab import SOUNDS, Lab, concatenate, free_port, wait_until

ENGINES = pathlib.Path(os.environ.get("DRAGOMAN_ENGINES",
                                      pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"),
                                                   "dragoman/engines")))


class BadInput(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab(extensions=("3333", "4444", "7777")).__enter__()
        cls.addClassCleanup(lambda: cls.lab.__exit__(None, None, None))

    def setUp(self):
        # Each test has a launcher and a store of its own.
        for folder in ("data", "audio"):
            shutil.rmtree(self.lab.folder / folder, ignore_errors=True)

    def tearDown(self):
        if self.lab.launcher:
            self.lab.launcher.end()
            self.lab.launcher = None
        wait_until(lambda: not self.lab.leftovers(), 10, "Asterisk to be empty")

    def refused(self, expected, environment=None, **sections):
        """`dragoman serve` ends with status 1 and says each of `expected`."""
        process = self.lab.serve(environment, wait=False, **sections)
        self.assertEqual(process.wait(20), 1, process.output())
        for text in expected:
            self.assertIn(text, process.output())
        self.lab.launcher = None

    def says(self, *expected):
        for text in expected:
            wait_until(lambda: text in self.lab.launcher.output(), 15, lambda:
                       f"the launcher to say '{text}'; it said:\n{self.lab.launcher.output()[-3000:]}")

    # -- the telephone system -----------------------------------------------------------------------------------------
    def test_a_wrong_password_is_named_with_where_to_set_it(self):
        self.refused(["DRAGOMAN_ARI_PASSWORD", "ari.conf"], {"DRAGOMAN_ARI_PASSWORD": "wrong"})

    def test_an_unreachable_ari_is_named_and_tried_again(self):
        port = free_port()
        self.lab.serve(wait=False, ari={"url": f"http://127.0.0.1:{port}/ari"})
        self.says(f"127.0.0.1:{port}")
        self.assertIsNone(self.lab.launcher.popen.poll())
        self.assertEqual(self.lab.launcher.end(), 0)

    def test_a_second_launcher_on_the_application_is_refused_and_the_first_goes_on(self):
        first = self.lab.serve()
        second = self.lab.serve(wait=False, name="second", paths={"data": self.lab.folder / "other"})
        self.assertEqual(second.wait(20), 1, second.output())
        self.assertIn("dragoman", second.output())
        self.lab.configure()
        phone = self.lab.phone("3333", self.lab.silence(), 4)
        self.assertEqual(phone.wait(30), 0, phone.output())
        self.assertIsNone(first.popen.poll())

    def test_an_unknown_extension_is_turned_away_by_name(self):
        self.lab.serve()
        phone = self.lab.phone("7777", self.lab.silence(), 4)
        phone.wait(30)
        self.says("7777")

    # -- configuration ------------------------------------------------------------------------------------------------
    def test_an_unknown_key_is_named_with_its_line(self):
        self.refused(["dragoman.conf:", "colour"], media={"colour": "blue"})

    def test_a_missing_pipeline_file_is_named(self):
        self.refused(["nowhere.pipeline"], extension_3333={"pipeline": "nowhere.pipeline"})

    # -- ports --------------------------------------------------------------------------------------------------------
    def test_a_port_in_use_is_passed_over(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 30000))
            self.lab.serve()
            phone = self.lab.phone("3333", SOUNDS["en"] / "conf-waitforleader.wav", 8)
            self.assertEqual(phone.wait(30), 0, phone.output())
            wait_until(lambda: self.lab.rows("SELECT * FROM utterances"), 5, "a transcript")

    def test_without_a_free_port_the_caller_is_turned_away_and_the_range_is_named(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("127.0.0.1", 30500))
            self.lab.serve(media={"first-port": 30500, "last-port": 30501}, extension_3333={"port": 30500})
            phone = self.lab.phone("3333", self.lab.silence(), 4)
            phone.wait(30)
            self.says("30500")

    # -- the engines --------------------------------------------------------------------------------------------------
    def test_a_model_cut_short_is_named_at_the_start(self):
        broken = self.lab.folder / "engines"
        shutil.rmtree(broken, ignore_errors=True)
        shutil.copytree(ENGINES, broken, symlinks=True, ignore=shutil.ignore_patterns("packages"))
        model = broken / "models/moonshine-base-en/encoder_model.onnx"
        os.truncate(model, model.stat().st_size // 2)
        self.lab.serve({"DRAGOMAN_ENGINES": str(broken)}, wait=False)
        self.says("calls to 3333 cannot be served", "encoder_model.onnx", "fetch-engines", "ready  for 4444")
        self.assertNotIn("ready  for 3333", self.lab.launcher.output())

    def test_without_apertium_the_words_are_kept_and_the_package_is_named(self):
        empty = self.lab.folder / "bin"
        empty.mkdir(exist_ok=True)
        for program in ("espeak-ng",):
            if not (empty / program).exists():
                (empty / program).symlink_to(shutil.which(program))
        self.lab.serve({"PATH": str(empty)})
        phones = [self.lab.phone("3333", SOUNDS["en"] / "tt-weasels.wav", 8),
                  self.lab.phone("4444", self.lab.silence(), 8)]
        self.says("apt-get install apertium")
        for phone in phones:
            self.assertEqual(phone.wait(30), 0, phone.output())
        self.assertTrue(any("phone system" in u["text"] for u in self.lab.rows("SELECT text FROM utterances")))

    def test_without_espeak_ng_calls_are_turned_away_and_the_package_is_named(self):
        bin_folder = self.lab.folder / "bin-without-espeak"
        bin_folder.mkdir(exist_ok=True)
        for program in pathlib.Path("/usr/bin").iterdir():
            if program.name != "espeak-ng" and not (bin_folder / program.name).exists():
                (bin_folder / program.name).symlink_to(program)
        self.lab.serve({"PATH": str(bin_folder)}, wait=False)
        self.says("calls to 4444 cannot be served", "apt-get install espeak-ng")
        phone = self.lab.phone("3333", self.lab.silence(), 4)
        self.assertEqual(phone.wait(30), 1, "nobody is left on a line that cannot speak")

    # -- the store ----------------------------------------------------------------------------------------------------
    def test_a_full_audio_folder_is_named_and_the_call_goes_on(self):
        small = self.lab.folder / "small"
        small.mkdir(exist_ok=True)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k", "tmpfs", str(small)], capture_output=True)
        if mounted.returncode:
            self.skipTest("mounting a small file system needs root")
        try:
            self.lab.serve(paths={"audio": small})
            phones = [self.lab.phone("3333", SOUNDS["en"] / "conf-waitforleader.wav", 14),
                      self.lab.phone("4444", self.lab.silence(), 14)]
            self.says(str(small))
            for phone in phones:
                self.assertEqual(phone.wait(40), 0, phone.output())
            self.assertTrue(self.lab.rows("SELECT * FROM utterances WHERE first_audio_at IS NOT NULL"))
            self.lab.launcher.end()
        finally:
            subprocess.run(["umount", str(small)], check=True)

    # -- callers ------------------------------------------------------------------------------------------------------
    def test_a_caller_who_hangs_up_in_mid_word_leaves_his_words_and_his_audio(self):
        self.lab.serve()
        # 3 s of a sentence of 2.8 s after 1 s of silence: he is cut off in it.
        phone = self.lab.phone("3333", SOUNDS["en"] / "vm-nobodyavail.wav", 3)
        self.assertEqual(phone.wait(30), 0, phone.output())
        wait_until(lambda: self.lab.rows("SELECT * FROM traces WHERE ended_at IS NOT NULL"), 10, "the trace to end")
        wait_until(lambda: self.lab.rows("SELECT * FROM utterances"), 5, "what he said")
        self.assertTrue(self.lab.rows("SELECT * FROM audio_segments_5s"))
        self.assertFalse(list((self.lab.folder / "audio").rglob("*.part")))

    def test_a_caller_whose_partner_never_comes_is_transcribed_and_turned_away_after_the_wait(self):
        self.lab.serve(calls={"max-wait-s": 6})
        phone = self.lab.phone("3333", SOUNDS["en"] / "conf-waitforleader.wav", 20)
        wait_until(lambda: self.lab.rows("SELECT * FROM utterances"), 12, "a transcript")
        wait_until(lambda: not self.lab.leftovers(), 15, "the caller to be turned away")
        self.says("4444")
        phone.end()
        [trace] = self.lab.rows("SELECT * FROM traces")
        self.assertIsNone(trace["dst_extension"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
