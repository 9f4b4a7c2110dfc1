#include "peer/files/transfer_words.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "peer/quantity.hpp"
#include "peer/text_sanitizer.hpp"

namespace pinhole::peer::files {

std::string title_words(const Announcement& announcement) {
    return announcement.name.empty() ? count_words(announcement.entries)
                                     : shown_path(announcement.name);
}

std::string size_or_unknown(std::uint64_t bytes) {
    return bytes == kSizeUnknown ? "size not known" : size_words(bytes);
}

std::string amount_words(const Announcement& announcement) {
    return fmt::format("{}, {}", count_words(announcement.entries),
                       size_or_unknown(announcement.bytes));
}

std::string offer_words(const Announcement& announcement) {
    const std::string title = title_words(announcement);
    if (announcement.name.empty() || announcement.entries == 1) {
        return fmt::format("{} ({})", title, size_or_unknown(announcement.bytes));
    }
    return fmt::format("{} ({})", title, amount_words(announcement));
}

std::string end_words(const TransferEnd& end) {
    std::string what = end.title.empty() ? count_words(end.files) : shown_path(end.title);
    if (end.failed > 0) {
        what = fmt::format("{} of {}", end.files - end.failed, count_words(end.files));
    }
    const auto time = std::max(end.time, Duration{1});
    const double rate = static_cast<double>(end.carried) * 1e6 / static_cast<double>(time.count());
    return fmt::format("{} stored{}, {}, in {} ({}/s)", what,
                       end.where.empty() ? "" : " in " + sanitized(end.where),
                       size_words(end.bytes), time_words(time),
                       size_words(static_cast<std::uint64_t>(rate)));
}

}  // namespace pinhole::peer::files
