// SPDX-License-Identifier: LGPL-2.1-or-later
#include <algorithm>

#include "launcher/store/query/reports.h"

namespace dragoman {
namespace {

constexpr size_t kRows = 100;

std::vector<Column> columns() {
  using enum Column::Kind;
  return {{"time", "time (UTC)", "", kTime},
          {"call", "call", ""},
          {"extension", "from", ""},
          {"delay_ms", "delay", "ms", kFigure, 0},
          {"endpoint_ms", "endpoint", "ms", kFigure, 0},
          {"decode_ms", "decode", "ms", kFigure, 0},
          {"translation_ms", "translate", "ms", kFigure, 0},
          {"tts_first_audio_ms", "speak", "ms", kFigure, 0},
          {"language", "", ""},
          {"text", "said", ""},
          {"target_language", "", ""},
          {"translation", "heard by the other", ""}};
}

}  // namespace

ResultTable utterances_report(QuerySource& source, const QueryFilter& filter) {
  const size_t limit = filter.limit.value_or(kRows);
  const Conditions conditions = utterance_conditions(filter);
  ResultTable table{
      columns(),
      source.select("SELECT " + source.time_text("start_at") +
                        ", trace_id, extension, delay_ms, endpoint_ms, decode_ms, translation_ms, "
                        "tts_first_audio_ms, language, text, nullif(target_language, ''), "
                        "translation FROM utterances" +
                        conditions.text() +
                        " ORDER BY start_at DESC, trace_id DESC, channel DESC, utterance DESC, "
                        "clause DESC, target_language DESC" +
                        limit_text(limit),
                    conditions.values()),
      "nothing was said" + describe(filter)};
  apply_limit(table, limit);
  std::reverse(table.rows.begin(), table.rows.end());
  return table;
}

}  // namespace dragoman
