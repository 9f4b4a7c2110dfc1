#include "peer/files/transfer_json.hpp"

#include <cmath>

#include "peer/json_object.hpp"

namespace pinhole::peer::files::json {
namespace {

using peer::json::begin;
using peer::json::line;
using peer::json::Object;

std::string_view token_of(Way way) {
    return way == Way::kSend ? "send" : "receive";
}

/// Null for what nobody knows yet.
Object known(std::uint64_t bytes) {
    return bytes == kSizeUnknown ? Object(nullptr) : Object(bytes);
}

std::string transfer(Object object, const TransferEvent& event) {
    object["way"] = token_of(event.way);
    object["peer"] = event.peer.text();
    object["files"] = event.files;
    object["failed"] = event.failed;
    object["bytes"] = event.bytes;
    object["carried"] = event.carried;
    if (event.sent) object["sent"] = *event.sent;
    return line(object);
}

}  // namespace

std::string_view token_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::kStored: return "stored";
        case Outcome::kPresent: return "present";
        case Outcome::kSkipped: return "skipped";
        case Outcome::kBadName: return "bad_name";
        case Outcome::kNoSpace: return "no_space";
        case Outcome::kDamaged: return "damaged";
        case Outcome::kBusy: return "busy";
        case Outcome::kFailed: return "failed";
    }
    return "?";
}

std::string transfer_started(Way way, const Id& peer, const Announcement& announcement) {
    Object object = begin("transfer_started");
    object["way"] = token_of(way);
    object["peer"] = peer.text();
    object["files"] = announcement.entries;
    object["bytes"] = known(announcement.bytes);
    return line(object);
}

std::string file(const FileEvent& event) {
    Object object = begin("file");
    object["way"] = token_of(event.way);
    object["peer"] = event.peer.text();
    object["path"] = event.path;
    object["size"] = event.size;
    object["outcome"] = event.outcome ? token_of(*event.outcome) : "unreadable";
    if (!event.stored_as.empty()) object["stored_as"] = event.stored_as;
    if (!event.why.empty()) object["why"] = event.why;
    return line(object);
}

std::string file_resumed(const Id& peer, std::string_view path, std::uint64_t bytes) {
    Object object = begin("file_resumed");
    object["peer"] = peer.text();
    object["path"] = path;
    object["bytes"] = bytes;
    return line(object);
}

std::string file_left_out(std::string_view path, std::string_view why) {
    Object object = begin("file_left_out");
    object["path"] = path;
    object["why"] = why;
    return line(object);
}

std::string progress(const TransferState& state) {
    Object object = begin("progress");
    object["way"] = token_of(state.way);
    object["peer"] = state.peer.text();
    object["files"] = state.files;
    object["files_total"] = state.files_total;
    object["bytes"] = state.bytes;
    object["bytes_total"] = known(state.bytes_total);
    object["rate"] = std::llround(state.rate);
    if (state.time_left) {
        object["eta_s"] = std::chrono::round<std::chrono::seconds>(*state.time_left).count();
    }
    return line(object);
}

std::string transfer_ended(const TransferEvent& event) {
    return transfer(begin("transfer_ended"), event);
}

std::string transfer_cut(const TransferEvent& event) {
    return transfer(begin("transfer_cut"), event);
}

}  // namespace pinhole::peer::files::json
