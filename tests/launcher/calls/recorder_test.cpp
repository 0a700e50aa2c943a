// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/calls/recorder.h"

#include <gtest/gtest.h>

#include "launcher/calls/fields.h"
#include "tests/fakes/memory_journal.h"

namespace dragoman {
namespace {

class RecorderTest : public testing::Test {
 protected:
  /// `text` is a GVariant's text form.
  void tell(const char* name, const char* text) {
    g_autoptr(GError) error = nullptr;
    const VariantPtr fields(
        g_variant_parse(G_VARIANT_TYPE_VARDICT, text, nullptr, nullptr, &error));
    ASSERT_TRUE(fields) << error->message;
    recorder.message("t1", name, fields.get());
  }

  fakes::MemoryJournal journal;
  Recorder recorder{journal, true};
};

constexpr char kFinal[] =
    "{'channel': <'t1-3333'>, 'utterance': <uint64 7>, 'clause': <uint32 1>, 'text': <'Hello'>, "
    "'language': <'en'>, 'is-final': <true>, 'provider': <'moonshine'>, 'start-utc': <uint64 100>, "
    "'end-utc': <uint64 200>, 'committed-utc': <uint64 300>, 'endpoint-ms': <250.5>, "
    "'decode-ms': <80.0>}";

TEST_F(RecorderTest, AFinalTranscriptIsAnUtterance) {
  tell("transcript", kFinal);
  ASSERT_EQ(journal.utterances.size(), 1u);
  const UtteranceRow& row = journal.utterances[0];
  EXPECT_EQ(row.trace_id, "t1");
  EXPECT_EQ(row.extension, "3333");
  EXPECT_EQ(row.utterance, 7u);
  EXPECT_EQ(row.clause, 1);
  EXPECT_EQ(row.text, "Hello");
  EXPECT_EQ(row.stt_provider, "moonshine");
  EXPECT_EQ(row.start_at, 100u);
  EXPECT_EQ(row.end_at, 200u);
  EXPECT_EQ(row.committed_at, 300u);
  EXPECT_EQ(row.endpoint_ms, 250.5);
  EXPECT_EQ(row.decode_ms, 80);
  EXPECT_EQ(row.target_language, "");
}

TEST_F(RecorderTest, APartialTranscriptIsNoRow) {
  tell("transcript",
       "{'channel': <'t1-3333'>, 'utterance': <uint64 7>, 'text': <'Hel'>, 'is-final': <false>}");
  EXPECT_TRUE(journal.utterances.empty());
}

TEST_F(RecorderTest, WhatWasSpokenNamesTheSpeakerNotTheListener) {
  tell("spoken",
       "{'channel': <'t1-3333'>, 'utterance': <uint64 7>, 'clause': <uint32 1>, "
       "'source-text': <'Hello'>, 'source-language': <'en'>, 'text': <'Hola'>, 'language': <'es'>, "
       "'provider': <'memory'>, 'translated-utc': <uint64 400>, 'translation-ms': <3.0>, "
       "'tts-provider': <'espeak-ng'>, 'first-audio-utc': <uint64 500>, "
       "'tts-first-audio-ms': <20.0>, 'delay-ms': <812.0>, 'rate': <1.1>}");
  ASSERT_EQ(journal.utterances.size(), 1u);
  const UtteranceRow& row = journal.utterances[0];
  EXPECT_EQ(row.extension, "3333");
  EXPECT_EQ(row.language, "en");
  EXPECT_EQ(row.text, "Hello");
  EXPECT_EQ(row.target_language, "es");
  EXPECT_EQ(row.translation, "Hola");
  EXPECT_EQ(row.translate_provider, "memory");
  EXPECT_EQ(row.tts_provider, "espeak-ng");
  EXPECT_EQ(row.stt_provider, "");
  EXPECT_EQ(row.translated_at, 400u);
  EXPECT_EQ(row.first_audio_at, 500u);
  EXPECT_EQ(row.delay_ms, 812);
  EXPECT_EQ(row.speaking_rate, 1.1);
}

TEST_F(RecorderTest, ABucketIsARowForEachParameter) {
  tell("bucket",
       "{'station': <'St_3'>, 'tap': <'PRE'>, 'bucket-utc': <uint64 5000000000>, "
       "'bucket-ms': <uint32 1200>, 'metrics': <{"
       "'jitter_ms': <{'count': <uint64 60>, 'min': <0.5>, 'max': <2.5>, 'avg': <1.0>, "
       "'last': <0.75>}>, "
       "'packets_lost': <{'count': <uint64 0>, 'min': <0.0>, 'max': <0.0>, 'avg': <0.0>, "
       "'last': <0.0>}>}>}");
  ASSERT_EQ(journal.metrics.size(), 1u) << "a parameter without readings is absent";
  const MetricRow& row = journal.metrics[0];
  EXPECT_EQ(row.station_key, "St_3");
  EXPECT_EQ(row.tap, "PRE");
  EXPECT_EQ(row.metric_key, "jitter_ms");
  EXPECT_EQ(row.bucket_ts, 5000000000u);
  EXPECT_EQ(row.bucket_ms, 1200);
  EXPECT_EQ(row.count, 60);
  EXPECT_EQ(row.min, 0.5);
  EXPECT_EQ(row.max, 2.5);
  EXPECT_EQ(row.avg, 1.0);
  EXPECT_EQ(row.last, 0.75);
}

TEST_F(RecorderTest, ASegmentIsARow) {
  tell("segment",
       "{'station': <'St_5'>, 'tap': <'POST'>, 'bucket-utc': <uint64 5000000000>, "
       "'bucket-ms': <uint32 5000>, 'location': <'/a/b.wav'>, 'sample-rate': <uint32 16000>, "
       "'channels': <uint32 1>, 'format': <'WAV_PCM_S16LE_MONO'>}");
  ASSERT_EQ(journal.segments.size(), 1u);
  EXPECT_EQ(journal.segments[0].file_path, "/a/b.wav");
  EXPECT_EQ(journal.segments[0].station_key, "St_5");
  EXPECT_EQ(journal.segments[0].bucket_ts, 5000000000u);
}

TEST_F(RecorderTest, WithoutMonitoringOnlyWhatWasSaidIsKept) {
  Recorder quiet(journal, false);
  const VariantPtr segment(g_variant_parse(
      nullptr, "{'bucket-utc': <uint64 5>, 'location': <'/a.wav'>}", nullptr, nullptr, nullptr));
  const VariantPtr heard(g_variant_parse(nullptr, kFinal, nullptr, nullptr, nullptr));
  quiet.message("t1", "segment", segment.get());
  quiet.message("t1", "transcript", heard.get());
  EXPECT_TRUE(journal.segments.empty());
  EXPECT_EQ(journal.utterances.size(), 1u);
}

TEST_F(RecorderTest, AMessageWithoutItsKeyOrOfWrongTypesIsNoRow) {
  tell("transcript", "{'is-final': <true>, 'text': <'Hello'>}");
  tell("transcript", "{'is-final': <true>, 'channel': <3>, 'utterance': <'x'>}");
  tell("bucket", "{'station': <'St_3'>, 'metrics': <'none'>}");
  tell("segment", "{'location': <uint32 3>}");
  tell("something-else", "{'text': <'Hello'>}");
  EXPECT_TRUE(journal.utterances.empty());
  EXPECT_TRUE(journal.metrics.empty());
  EXPECT_TRUE(journal.segments.empty());
}

TEST_F(RecorderTest, AudioThatTheDiskDidNotTakeIsCountedOncePerTapAndWorker) {
  const auto lost = [this](const char* name, const char* tap, double dropped_ms) {
    g_autofree char* text = g_strdup_printf(
        "{'station': <'St_3'>, 'tap': <'%s'>, 'bucket-utc': <uint64 5000000000>, "
        "'location': <'/a/b.wav'>, 'dropped-ms': <%f>}",
        tap, dropped_ms);
    tell(name, text);
  };
  lost("segment", "PRE", 0);
  lost("segment-lost", "PRE", 5000);
  lost("segment-lost", "PRE", 7000);
  lost("segment", "PRE", 7000);
  lost("segment-lost", "POST", 3000);
  EXPECT_EQ(recorder.lost().files, 3u);
  EXPECT_EQ(recorder.lost().audio_ms, 10'000);
  lost("segment", "PRE", 250);  // a new worker's
  EXPECT_EQ(recorder.lost().audio_ms, 10'250);
  recorder.ended("t1");
  lost("segment-lost", "PRE", 500);
  EXPECT_EQ(recorder.lost().audio_ms, 10'750);
  EXPECT_EQ(journal.segments.size(), 3u);
}

TEST(Fields, NumbersOfAnyWidthAreRead) {
  const VariantPtr variant(g_variant_parse(
      nullptr, "{'a': <uint32 1>, 'b': <int64 2>, 'c': <3.5>, 'd': <<int16 4>>, 'e': <nan>}",
      nullptr, nullptr, nullptr));
  const Fields fields(variant.get());
  EXPECT_EQ(fields.integer("a"), 1u);
  EXPECT_EQ(fields.integer("b"), 2u);
  EXPECT_EQ(fields.number("c"), 3.5);
  EXPECT_EQ(fields.number("e"), std::nullopt);
  EXPECT_EQ(fields.number("z"), std::nullopt);
}

}  // namespace
}  // namespace dragoman
