// An event of a node as C gets it, kept until the caller asks: a copy, where the node's own events
// borrow.
//
// The structure that C sees points into the texts and bytes beside it, so that all of it lives and
// dies in one piece; it can therefore be neither copied nor moved.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/bytes.hpp"
#include "shared/library/pinhole/pinhole.h"
#include "shared/node/event.hpp"
#include "shared/node/node.hpp"

namespace pinhole::library {

class KeptEvent {
  public:
    /// `node` tells the ids of peers that the event names by number only.
    KeptEvent(const node::NodeEvent& event, const node::Node& node);
    /// The server's name gave no address; `sentence` says why.
    explicit KeptEvent(std::string_view sentence);

    KeptEvent(const KeptEvent&) = delete;
    KeptEvent& operator=(const KeptEvent&) = delete;

    /// Valid as long as this object.
    [[nodiscard]] const pinhole_event& shown() const { return shown_; }

    /// Whether C hears of it at all.
    [[nodiscard]] static bool is_shown(const node::NodeEvent& event) {
        // The registration that follows tells the key, too.
        return !std::holds_alternative<node::ServerProven>(event);
    }

  private:
    void show(const node::ServerProven& event);
    void show(const node::Registered& event);
    void show(const node::ServerLost& event);
    void show(const node::PeerIntroduced& event);
    void show(const node::CallRefused& event);
    void show(const node::KeyMismatch& event);
    void show(const node::PeerConnected& event);
    void show(const node::MessageReceived& event);
    void show(const node::PathChanged& event);
    void show(const node::PeerClosed& event);
    void show(const node::ConnectFailed& event);
    void show(const node::RoomToSend& event);
    void show(const node::RoomMembers& event);
    void show(const node::RoomRefused& event);

    void show_lost(pinhole_trouble trouble, std::string_view sentence);
    void show_identity(pinhole_event_type type, const crypto::PublicKey& key, bool incoming);
    void show_end(pinhole_event_type type, node::CloseReason reason, bool gone);
    void set_peer(node::PeerNumber peer, const node::Id& id);
    /// A copy that lives as long as this object. Of a few texts at most.
    const char* keep(std::string text);

    pinhole_event shown_{};
    std::array<char, node::Id::kSizeMax + 1> id_{};
    std::array<std::string, 4> texts_;
    std::size_t texts_kept_ = 0;
    std::vector<std::string> member_texts_;
    std::vector<pinhole_member> members_;
    ByteVector bytes_;
};

}  // namespace pinhole::library
