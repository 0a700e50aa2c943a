// SPDX-License-Identifier: LGPL-2.1-or-later
#include "launcher/calls/recorder.h"

#include "launcher/calls/fields.h"
#include "launcher/calls/names.h"
#include "plugins/common/messages.h"

namespace dragoman {
namespace {

/// What every message about a clause has; nothing without its key.
std::optional<UtteranceRow> clause_of(const std::string& trace_id, const Fields& fields) {
  const std::optional<uint64_t> utterance = fields.integer("utterance");
  UtteranceRow row;
  row.trace_id = trace_id;
  row.channel = fields.text("channel");
  if (row.channel.empty() || !utterance) return std::nullopt;
  row.extension = names::extension_of(trace_id, row.channel);
  row.utterance = *utterance;
  row.clause = static_cast<int>(fields.integer("clause").value_or(0));
  row.start_at = fields.integer("start-utc").value_or(0);
  row.end_at = fields.integer("end-utc").value_or(0);
  row.committed_at = fields.integer("committed-utc").value_or(0);
  return row;
}

}  // namespace

void Recorder::message(const std::string& trace_id, const std::string& name, GVariant* fields) {
  if (name == messages::kTranscript)
    transcript(trace_id, fields);
  else if (name == messages::kTranslation)
    translation(trace_id, fields, false);
  else if (name == messages::kSpoken)
    translation(trace_id, fields, true);
  else if (name == messages::kBucket && monitoring_)
    bucket(trace_id, fields);
  else if (name == messages::kSegment && monitoring_)
    segment(trace_id, fields);
  else if (name == messages::kSegmentLost && monitoring_)
    segment_lost(trace_id, fields);
}

void Recorder::transcript(const std::string& trace_id, GVariant* variant) {
  const Fields fields(variant);
  if (!fields.flag("is-final")) return;
  std::optional<UtteranceRow> row = clause_of(trace_id, fields);
  if (!row) return;
  row->text = fields.text("text");
  row->language = fields.text("language");
  row->stt_provider = fields.text("provider");
  row->endpoint_ms = fields.number("endpoint-ms").value_or(0);
  row->decode_ms = fields.number("decode-ms").value_or(0);
  journal_.append(std::move(*row));
}

void Recorder::translation(const std::string& trace_id, GVariant* variant, bool spoken) {
  const Fields fields(variant);
  std::optional<UtteranceRow> row = clause_of(trace_id, fields);
  if (!row) return;
  row->text = fields.text("source-text");
  row->language = fields.text("source-language");
  row->target_language = fields.text("language");
  row->translation = fields.text("text");
  row->translate_provider = fields.text("provider");
  row->translated_at = fields.integer("translated-utc");
  row->translation_ms = fields.number("translation-ms");
  if (spoken) {
    row->tts_provider = fields.text("tts-provider");
    row->first_audio_at = fields.integer("first-audio-utc");
    row->tts_first_audio_ms = fields.number("tts-first-audio-ms");
    row->delay_ms = fields.number("delay-ms");
    row->speaking_rate = fields.number("rate");
  }
  journal_.append(std::move(*row));
}

void Recorder::bucket(const std::string& trace_id, GVariant* variant) {
  const Fields fields(variant);
  const std::optional<uint64_t> bucket_utc = fields.integer("bucket-utc");
  const VariantPtr metrics = fields.value("metrics");
  if (!bucket_utc || !metrics || !g_variant_is_of_type(metrics.get(), G_VARIANT_TYPE_VARDICT))
    return;
  MetricRow row;
  row.trace_id = trace_id;
  row.station_key = fields.text("station");
  row.tap = fields.text("tap");
  row.bucket_ts = *bucket_utc;
  row.bucket_ms = static_cast<int>(fields.integer("bucket-ms").value_or(5000));
  if (knobs_ && row.tap == "POST")
    journal_.append(KnobSnapshotRow{row.trace_id, row.station_key, row.bucket_ts,
                                    knobs_->values_at(trace_id, row.station_key)});
  GVariantIter iterator;
  g_variant_iter_init(&iterator, metrics.get());
  const char* key = nullptr;
  GVariant* boxed = nullptr;
  while (g_variant_iter_loop(&iterator, "{&sv}", &key, &boxed)) {
    const Fields metric(boxed);
    row.metric_key = key;
    row.count = static_cast<int64_t>(metric.integer("count").value_or(0));
    row.min = metric.number("min").value_or(0);
    row.max = metric.number("max").value_or(0);
    row.avg = metric.number("avg").value_or(0);
    row.last = metric.number("last").value_or(0);
    if (row.count > 0) journal_.append(row);
  }
}

void Recorder::segment(const std::string& trace_id, GVariant* variant) {
  const Fields fields(variant);
  const std::optional<uint64_t> bucket_utc = fields.integer("bucket-utc");
  SegmentRow row;
  row.file_path = fields.text("location");
  if (!bucket_utc || row.file_path.empty()) return;
  row.trace_id = trace_id;
  row.station_key = fields.text("station");
  row.tap = fields.text("tap");
  row.bucket_ts = *bucket_utc;
  row.bucket_ms = static_cast<int>(fields.integer("bucket-ms").value_or(5000));
  row.sample_rate_hz = static_cast<int>(fields.integer("sample-rate").value_or(16000));
  row.channels = static_cast<int>(fields.integer("channels").value_or(1));
  if (const std::string format = fields.text("format"); !format.empty()) row.format = format;
  count_lost(trace_id, fields);
  journal_.append(std::move(row));
}

void Recorder::segment_lost(const std::string& trace_id, GVariant* variant) {
  ++lost_.files;
  count_lost(trace_id, Fields(variant));
}

/// Each tap tells what it dropped since its pipeline began; in a new worker it begins again.
void Recorder::count_lost(const std::string& trace_id, const Fields& fields) {
  const double dropped_ms = fields.number("dropped-ms").value_or(0);
  double& told = dropped_ms_[trace_id + "/" + fields.text("station") + "/" + fields.text("tap")];
  lost_.audio_ms += dropped_ms >= told ? dropped_ms - told : dropped_ms;
  told = dropped_ms;
}

void Recorder::ended(const std::string& trace_id) {
  std::erase_if(dropped_ms_,
                [&](const auto& entry) { return entry.first.starts_with(trace_id + "/"); });
}

}  // namespace dragoman
