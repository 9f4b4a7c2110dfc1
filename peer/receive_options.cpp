#include "peer/receive_options.hpp"

namespace pinhole::peer {
namespace {

files::ConflictPolicy conflict_of(const Settings& settings) {
    const auto word = settings.text("conflict");
    if (word == "overwrite") return files::ConflictPolicy::kOverwrite;
    return word == "rename" ? files::ConflictPolicy::kRename : files::ConflictPolicy::kSkip;
}

}  // namespace

ReceiveOptions receive_options(const Settings& settings) {
    ReceiveOptions out;
    out.station = station_options(settings);
    out.station.accept = accept_of(settings);
    if (settings.words().size() > 1) throw UsageError("receive takes one DIR at most");
    if (!settings.words().empty()) out.directory = settings.words().front();
    if (out.directory.empty()) throw UsageError("the DIR has no name");
    for (const std::string& word : settings.texts("from")) {
        out.from.insert(other_peer(word, out.station.id));
    }
    out.conflict = conflict_of(settings);
    out.once = settings.is_set("once");
    out.hidden = settings.is_set("hidden");
    return out;
}

}  // namespace pinhole::peer
