# SPDX-License-Identifier: LGPL-2.1-or-later
"""A phone that speaks English and one that speaks Spanish hold a translated call through a real Asterisk."""

import datetime
import unittest
import wave

from lab import SOUNDS, SOURCE, Lab, concatenate, edits, transcribe, transcripts, wait_until, words

# Whole sentences of a few seconds, said by a person.
ENGLISH = ["vm-nobodyavail", "conf-waitforleader", "check-number-dial-again", "conf-placeintoconf", "conf-onlyperson",
           "cannot-complete-as-dialed", "conf-now-recording", "all-circuits-busy-now", "conf-getconfno", "conf-invalidpin",
           "please-try-again", "conf-lockednow", "conf-extended", "agent-pass"]
SPANISH = ["conf-waitforleader", "conf-placeintoconf", "conf-onlyperson", "please-try-again", "vm-nobodyavail",
           "conf-now-recording", "privacy-thankyou", "conf-locked", "conf-hasjoin", "conf-kicked"]

def word_error_rate(reference, hypothesis):
    return edits(words(reference), words(hypothesis)) / len(words(reference))

class TranslatedCall(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = Lab().__enter__()
        cls.addClassCleanup(lambda: cls.lab.__exit__(None, None, None))
        cls.lab.keep = True  # unless all goes well here; what was said and heard is in the failures' texts
        said = {"3333": concatenate([SOUNDS["en"] / f"{p}.wav" for p in ENGLISH], cls.lab.folder / "en.wav", 2.5),
                "4444": concatenate([SOUNDS["es"] / f"{p}.wav" for p in SPANISH],
                                    cls.lab.folder / "es.wav", 2.5)}
        cls.lab.serve()
        with wave.open(str(said["3333"])) as english, wave.open(str(said["4444"])) as spanish:
            cls.seconds = int(max(w.getnframes() / w.getframerate() for w in (english, spanish))) + 7
        cls.phones = {e: cls.lab.phone(e, file, cls.seconds) for e, file in said.items()}
        for phone in cls.phones.values():
            assert phone.wait(cls.seconds + 30) == 0, phone.output()
        wait_until(lambda: not cls.lab.leftovers(), 10, "Asterisk to be empty")
        assert cls.lab.launcher.end() == 0, cls.lab.launcher.output()
        cls.utterances = cls.lab.rows("SELECT * FROM utterances ORDER BY start_at")
        cls.lab.keep = False

    def heard_from(self, extension):
        return [u for u in self.utterances if u["extension"] == extension]

    def translations_for(self, listener):
        return " ".join(" ".join(words(u["translation"] or "")) for u in self.utterances if u["extension"] != listener)

    def test_english_is_recognised_with_at_most_6_percent_word_errors(self):
        said = transcripts("en")
        rate = word_error_rate(" ".join(said[p] for p in ENGLISH), " ".join(u["text"] for u in self.heard_from("3333")))
        print(f"English word error rate {100 * rate:.1f} %")
        self.assertLessEqual(rate, 0.06)

    def test_spanish_is_recognised_with_at_most_20_percent_word_errors(self):
        said = transcripts("es")

        rate = word_error_rate(" ".join(said[p] for p in SPANISH), " ".join(u["text"] for u in self.heard_from("4444")))
        print(f"Spanish word error rate {100 * rate:.1f} %")
        self.assertLessEqual(rate, 0.20)

    def test_each_phone_hears_the_translation_of_the_other(self):
        for listener, speaker, language in (("4444", "3333", "es"), ("3333", "4444", "en")):
            translation = " ".join(u["translation"] for u in self.heard_from(speaker) if u["target_language"] == language)
            heard = transcribe(self.phones[listener].heard, language)
            rate = word_error_rate(translation, heard)
            print(f"{listener} heard its translation with {100 * rate:.1f} % word errors")
            # A synthetic voice in the telephone's band that says what is not always grammatical; another
            # language, or nothing, would be near 100 %.
            self.assertLessEqual(rate, 0.5, f"\nsaid:  {translation}\nheard: {heard}")

    def test_nobody_hears_the_language_he_speaks(self):
        # 3333 says English and hears English: none of what he hears may be what he says.
        for listener, language in (("3333", "en"), ("4444", "es")):
            heard = " ".join(words(transcribe(self.phones[listener].heard, language)))
            for utterance in self.heard_from(listener):
                said = words(utterance["text"])
                runs = [" ".join(said[i:i + 4]) for i in range(len(said) - 3)]
                echoed = [run for run in runs if run in heard and run not in self.translations_for(listener)]
                self.assertFalse(echoed, f"{listener} heard itself")

    def test_every_utterance_has_its_delay_and_all_times_in_order(self):
        self.assertGreaterEqual(len(self.utterances), len(ENGLISH) + len(SPANISH) - 2)
        for u in self.utterances:
            self.assertLessEqual(u["start_at"], u["end_at"], u)
            self.assertLessEqual(u["committed_at"], u["translated_at"], u)
            self.assertLessEqual(u["translated_at"], u["first_audio_at"], u)
            self.assertIsNotNone(u["delay_ms"], u)

    def test_both_parties_share_one_trace_that_has_ended(self):
        traces = self.lab.rows("SELECT * FROM traces")
        self.assertEqual(len(traces), 1)
        self.assertEqual({traces[0]["src_extension"], traces[0]["dst_extension"]}, {"3333", "4444"})
        self.assertIsNotNone(traces[0]["ended_at"])

    def test_buckets_are_utc_multiples_of_5_s_without_a_hole(self):
        stations = self.lab.rows("SELECT DISTINCT station_key, tap FROM metrics_agg_5s")
        self.assertGreaterEqual(len(stations), 6)
        for station in stations:
            rows = self.lab.rows("SELECT bucket_ts, bucket_ms FROM metrics_agg_5s WHERE station_key = ? AND tap = ? AND "
                                 "metric_key = 'audio_level_dbfs' ORDER BY bucket_ts", *station.values())
            times = [datetime.datetime.fromisoformat(r["bucket_ts"].replace("Z", "+00:00")).timestamp() for r in rows]
            self.assertTrue(all(t % 5 == 0 for t in times), rows)
            self.assertEqual([b - a for a, b in zip(times, times[1:])], [5.0] * (len(times) - 1), station)
            self.assertTrue(all(r["bucket_ms"] == 5000 for r in rows[1:-1]), rows)
            # The phone is on the line for `seconds`; set-up and tear-down take some of it.
            self.assertAlmostEqual(sum(r["bucket_ms"] for r in rows) / 1000, self.seconds, delta=3)

    def test_every_segment_has_its_row_and_is_16_khz_mono(self):
        rows = self.lab.rows("SELECT * FROM audio_segments_5s")
        self.assertEqual(sorted(r["file_path"] for r in rows), [str(p) for p in self.lab.segments()])
        for row in rows:
            with wave.open(row["file_path"]) as file:
                self.assertEqual((file.getframerate(), file.getnchannels(), file.getsampwidth()), (16000, 1, 2))
                self.assertAlmostEqual(file.getnframes() / 16, row["bucket_ms"], delta=0.5, msg=row)

    def test_network_readings_are_there_before_processing_only(self):
        taps = self.lab.rows("SELECT DISTINCT station_key, tap FROM metrics_agg_5s WHERE metric_key = 'jitter_ms'")
        self.assertTrue(taps)
        self.assertEqual({t["tap"] for t in taps}, {"PRE"})

    def test_speech_chain_readings_are_there(self):
        keys = {r["metric_key"] for r in self.lab.rows("SELECT DISTINCT metric_key FROM metrics_agg_5s")}
        self.assertLessEqual({"translation_latency_ms", "tts_first_audio_ms", "end_to_end_latency_ms"}, keys)

    def test_station_3_has_its_22_parameters_and_no_other(self):
        keys = {r["metric_key"] for r in self.lab.rows("SELECT DISTINCT metric_key FROM metrics_agg_5s WHERE station_key = 'St_3'")}
        file = (SOURCE / "data/stations/St_3.conf").read_text()
        own = next(line for line in file.splitlines() if line.startswith("parameters")).split("=")[1].split(";")
        self.assertEqual(keys, {key.strip() for key in own})

if __name__ == "__main__":
    unittest.main(verbosity=2)
