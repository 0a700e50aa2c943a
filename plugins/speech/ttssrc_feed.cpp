// SPDX-License-Identifier: LGPL-2.1-or-later
#include "plugins/speech/ttssrc_feed.h"

#include <gst/base/gstbasesrc.h>

#include <condition_variable>
#include <mutex>

#include "plugins/common/messages.h"
#include "plugins/common/readings.h"

namespace dragoman {

StructurePtr translation_structure(const char* name, const Translation& translation) {
  const Clause& source = *translation.source;
  return StructurePtr(gst_structure_new(
      name, "channel", G_TYPE_STRING, source.channel.c_str(), "utterance", G_TYPE_UINT64,
      source.utterance, "clause", G_TYPE_UINT, source.clause, "source-text", G_TYPE_STRING,
      source.text.c_str(), "source-language", G_TYPE_STRING, source.language.c_str(), "text",
      G_TYPE_STRING, translation.text.c_str(), "language", G_TYPE_STRING,
      translation.language.c_str(), "provider", G_TYPE_STRING, translation.provider.c_str(),
      "start-utc", G_TYPE_UINT64, source.start_utc, "end-utc", G_TYPE_UINT64, source.end_utc,
      "committed-utc", G_TYPE_UINT64, source.committed_utc, "translated-utc", G_TYPE_UINT64,
      translation.translated_utc, "translation-ms", G_TYPE_DOUBLE, translation.translation_ms,
      nullptr));
}

void post_provider_error(GstElement* element, const char* kind, const std::string& provider,
                         const std::string& error, const std::string& next) {
  gst_element_post_message(
      element,
      gst_message_new_element(
          GST_OBJECT(element),
          gst_structure_new(messages::kProviderError, "provider", G_TYPE_STRING, provider.c_str(),
                            "kind", G_TYPE_STRING, kind, "error", G_TYPE_STRING, error.c_str(),
                            "next", G_TYPE_STRING, next.c_str(), nullptr)));
  const bool fails_over = !next.empty() && next != provider;
  gst_pad_push_event(
      GST_BASE_SRC_PAD(element),
      new_readings_event(GST_EVENT_CUSTOM_DOWNSTREAM_OOB,
                         {{"provider_errors", 1}, {"provider_failovers", fails_over ? 1.0 : 0.0}}));
}

std::vector<std::string> split_names(const std::string& list) {
  std::vector<std::string> names;
  size_t at = 0;
  while (at <= list.size()) {
    const size_t comma = std::min(list.find(',', at), list.size());
    std::string name = list.substr(at, comma - at);
    const size_t first = name.find_first_not_of(' ');
    if (first != name.npos) {
      names.push_back(name.substr(first, name.find_last_not_of(' ') - first + 1));
    }
    at = comma + 1;
  }
  return names;
}

// Shared with the translation service's callbacks, which may come when the feed is gone.
class TranslatedFeed::Relay : public ChannelListener,
                              public std::enable_shared_from_this<TranslatedFeed::Relay> {
 public:
  Relay(GstElement* element, Settings settings, OnTranslation on_translation, OnEnd on_end,
        TranslationService& service)
      : element_(element),
        settings_(std::move(settings)),
        on_translation_(std::move(on_translation)),
        on_end_(std::move(on_end)),
        service_(service) {}

  void on_clause(const std::shared_ptr<const Clause>& clause) override {
    {
      std::lock_guard lock(mutex_);
      ++pending_;
    }
    service_.translate(clause, settings_.language, settings_.providers, settings_.memory,
                       [relay = shared_from_this()](const Translation& translation,
                                                    const std::vector<ProviderFailure>& failures) {
                         relay->hand_on(translation, failures);
                       });
  }

  void on_end(const std::string&) override {
    {
      std::lock_guard lock(mutex_);
      publisher_ended_ = true;
      if (pending_ > 0) return;
    }
    on_end_();
  }

  void close() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    returned_.wait(lock, [&] { return calls_ == 0; });
  }

 private:
  void hand_on(const Translation& translation, const std::vector<ProviderFailure>& failures) {
    {
      std::lock_guard lock(mutex_);
      if (closed_) return;
      ++calls_;
    }
    for (const ProviderFailure& failure : failures) {
      post_provider_error(element_, "translate", failure.provider, failure.error, failure.next);
    }
    if (settings_.post_messages) {
      gst_element_post_message(
          element_, gst_message_new_element(
                        GST_OBJECT(element_),
                        translation_structure(messages::kTranslation, translation).release()));
    }
    on_translation_(translation);
    if (is_last()) on_end_();
    std::lock_guard lock(mutex_);
    --calls_;
    returned_.notify_all();
  }

  bool is_last() {
    std::lock_guard lock(mutex_);
    return --pending_ == 0 && publisher_ended_;
  }

  GstElement* const element_;  // not owned: lives until close() has returned
  const Settings settings_;
  const OnTranslation on_translation_;
  const OnEnd on_end_;
  TranslationService& service_;  // the feed holds it

  std::mutex mutex_;  // guards all below; not held during calls
  std::condition_variable returned_;
  int pending_ = 0, calls_ = 0;
  bool publisher_ended_ = false, closed_ = false;
};

TranslatedFeed::TranslatedFeed(GstElement* element, Settings settings, OnTranslation on_translation,
                               OnEnd on_end)
    : service_(TranslationService::shared()) {
  if (!settings.source_language.empty()) {
    service_->prepare(settings.source_language, settings.language, settings.providers,
                      settings.memory);
  }
  const std::string channel = settings.channel;
  relay_ = std::make_shared<Relay>(element, std::move(settings), std::move(on_translation),
                                   std::move(on_end), *service_);
  listening_ = Channels::instance().listen(channel, *relay_);
}

void TranslatedFeed::finish() { relay_->on_end(""); }

TranslatedFeed::~TranslatedFeed() {
  listening_.reset();
  relay_->close();
}

}  // namespace dragoman
