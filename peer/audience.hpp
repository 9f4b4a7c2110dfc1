// Who hears what is typed to all.
//
// A peer says when a connection begins whether texts are shown there, and until then nobody knows.
// Whom the user named is taken at his word: he is told of the connection before the other side can
// have said anything, and what he types then is for this peer. Anybody else may have called for
// something that is no talk, so he gets texts when he has said that he takes them.
#pragma once

#include <set>

#include "shared/wire/id.hpp"

namespace pinhole::peer {

class Audience {
  public:
    void on_connected(const wire::Id& peer) { silent_.insert(peer); }
    void on_hello(const wire::Id& peer, bool takes_texts) {
        silent_.erase(peer);
        if (takes_texts) {
            deaf_.erase(peer);
            listeners_.insert(peer);
        } else {
            listeners_.erase(peer);
            deaf_.insert(peer);
        }
    }
    void on_closed(const wire::Id& peer) {
        silent_.erase(peer);
        listeners_.erase(peer);
        deaf_.erase(peer);
    }

    /// Connected, and said that texts are not shown there.
    [[nodiscard]] bool is_deaf(const wire::Id& peer) const { return deaf_.contains(peer); }
    /// Connected, and said that texts are shown there.
    [[nodiscard]] const std::set<wire::Id>& listeners() const { return listeners_; }

    /// Listeners, and those of `named` who are connected and have not said otherwise.
    [[nodiscard]] std::set<wire::Id> with(const std::set<wire::Id>& named) const {
        std::set<wire::Id> out = listeners_;
        for (const wire::Id& peer : named) {
            if (silent_.contains(peer)) out.insert(peer);
        }
        return out;
    }

  private:
    std::set<wire::Id> listeners_;
    std::set<wire::Id> deaf_;
    /// Connected, and said nothing yet.
    std::set<wire::Id> silent_;
};

}  // namespace pinhole::peer
