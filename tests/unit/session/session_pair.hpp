// Two ends of one session, driven as a node drives them, and a check that no index is ever lost.
//
// Frames that are not the session's own are the user's; what the other end made of a datagram is
// the answer of `deliver`. Nothing travels by itself: a test carries every datagram.
#pragma once

#include <vector>

#include "shared/session/session.hpp"
#include "shared/session/session_table.hpp"
#include "tests/unit/session/parties.hpp"

namespace pinhole::session::test {

using Datagrams = std::vector<ByteVector>;

/// A frame with a tag that the session does not care for, and `text` behind it.
inline ByteVector user_frame(std::string_view text) {
    ByteVector out{static_cast<std::byte>(wire::FrameTag::kEnet)};
    out.insert(out.end(), as_bytes(text).begin(), as_bytes(text).end());
    return out;
}

template <class SessionType>
class End {
  public:
    End(Party party, const RekeyPolicy& policy, Random& random)
        : party_(std::move(party)),
          context_{.keys = party_.keys, .psk = party_.psk, .policy = policy},
          random_(random) {}

    End(const End&) = delete;
    End& operator=(const End&) = delete;

    [[nodiscard]] const crypto::PublicKey& key() const { return party_.keys.public_key; }
    [[nodiscard]] Party& party() { return party_; }
    [[nodiscard]] SessionIndex allocate() { return table_.allocate(0).value(); }

    void establish(Instant now, const crypto::PublicKey& remote, const EpochKeys& keys) {
        handshake_hash_ = keys.keys.handshake_hash;
        session_.emplace(now, context_, remote, keys);
        check_indices();
    }

    [[nodiscard]] SessionType& session() { return *session_; }
    /// Of the handshake that made the session: what its first rekey's prologue names.
    [[nodiscard]] const FixedBytes<32>& handshake_hash() const { return handshake_hash_; }

    [[nodiscard]] ByteVector seal(Bytes frame) {
        ByteVector datagram(wire::kTransportOverhead + frame.size());
        std::ranges::copy(frame, datagram.begin() + wire::kTransportHeaderSize);
        EXPECT_TRUE(session_->seal_in_place(datagram));
        return datagram;
    }
    [[nodiscard]] ByteVector seal(std::string_view text) { return seal(user_frame(text)); }

    /// What the session itself wants to send now, sealed.
    [[nodiscard]] Datagrams poll(Instant now) {
        session_->handle_timeout(now);
        if (session_->wants_rekey(now)) session_->start_rekey(now, allocate(), random_);
        Datagrams out;
        for (const ByteVector& frame : poll_frames()) out.push_back(seal(frame));
        if (std::exchange(owes_ack_, false)) out.push_back(seal(keepalive_ack()));
        check_indices();
        return out;
    }

    /// The same frames in the open, for tests that compare them.
    [[nodiscard]] Datagrams poll_frames() {
        Datagrams out;
        ByteBuffer<wire::kHandshakeSizeMax> frame;
        while (const std::size_t size = session_->poll_frame(frame.storage())) {
            frame.resize(size);
            out.push_back(to_vector(frame.bytes()));
        }
        return out;
    }

    /// The text of a user's frame, nothing for one of the session's own, or why it was dropped.
    [[nodiscard]] Parsed<std::optional<std::string>> deliver(Instant now, Bytes datagram) {
        ByteVector copy = to_vector(datagram);
        const auto header = wire::parse_transport_header(copy);
        if (!header) return dropped(header.error());
        const auto opened = session_->open_in_place(now, *header, copy);
        check_indices();
        if (!opened) return dropped(opened.error());
        moved_ = opened->moved_to_next_epoch;
        const Bytes body = Bytes{opened->frame}.subspan(1);
        if (opened->frame[0] == static_cast<std::byte>(wire::FrameTag::kRekey)) {
            const auto frame = wire::parse_rekey(body);
            if (!frame) return dropped(frame.error());
            return handle_rekey(now, *frame).map([](bool) { return std::optional<std::string>{}; });
        }
        if (opened->frame[0] == static_cast<std::byte>(wire::FrameTag::kKeepalive)) {
            const auto keepalive = wire::parse_keepalive(body);
            owes_ack_ = owes_ack_ || (keepalive && keepalive->wants_ack);
            return std::optional<std::string>{};
        }
        return std::optional{std::string{as_text(body)}};
    }

    Parsed<bool> handle_rekey(Instant now, const wire::Rekey& frame) {
        const SessionIndex fresh = allocate();
        const auto used = session_->handle_rekey(now, frame, fresh, random_);
        if (!used || !*used) table_.release(fresh);
        check_indices();
        return used;
    }

    void handle_timeout(Instant now) {
        session_->handle_timeout(now);
        check_indices();
    }

    /// True when the last datagram that opened moved this end to the next epoch.
    [[nodiscard]] bool moved() const { return moved_; }
    [[nodiscard]] std::size_t indices_in_use() const { return table_.size(); }

    /// Conservation: what the session retires was in the table, once; what remains there is exactly
    /// what leads to the session.
    void check_indices() {
        while (const auto index = session_->take_retired_index()) {
            EXPECT_TRUE(table_.find(*index)) << "retired twice, or never allocated";
            table_.release(*index);
        }
        const auto held = session_->all_indices();
        EXPECT_EQ(table_.size(), held.size()) << "an index was lost";
        for (const SessionIndex index : held) EXPECT_TRUE(table_.find(index));
    }

  private:
    static ByteVector keepalive_ack() {
        FixedBytes<64> frame;
        return to_vector(Bytes{frame}.first(wire::encode(wire::Keepalive{.is_ack = true}, frame)));
    }

    Party party_;
    SessionContext context_;
    Random& random_;
    SessionTable<int> table_{random_, 16};
    std::optional<SessionType> session_;
    FixedBytes<32> handshake_hash_{};
    bool owes_ack_ = false;
    bool moved_ = false;
};

/// A session that was just established at `kStart`; `small` has the smaller key, whose rekey stands
/// when both begin.
template <class SessionType>
struct Pair {
    SeededRandom random;
    End<SessionType> small;
    End<SessionType> large;

    explicit Pair(std::uint64_t seed, const RekeyPolicy& policy = {}, std::uint32_t features = 0)
        : Pair(seed, policy, policy, features) {}

    Pair(std::uint64_t seed, const RekeyPolicy& of_small, const RekeyPolicy& of_large,
         std::uint32_t features = 0)
        : Pair(SeededRandom{seed}, of_small, of_large, features) {}

    /// Carries everything that the sessions want to say until they are silent.
    void settle(Instant now) {
        for (bool busy = true; busy;) {
            busy = false;
            for (const auto& datagram : small.poll(now)) busy = take(large, now, datagram);
            for (const auto& datagram : large.poll(now)) busy = take(small, now, datagram);
        }
    }

    /// `small` rekeys and both ends are in the next epoch.
    void rekey(Instant now) {
        small.session().start_rekey(now, small.allocate(), random);
        settle(now);
    }

  private:
    Pair(SeededRandom seeded, const RekeyPolicy& of_small, const RekeyPolicy& of_large,
         std::uint32_t features)
        : random(seeded),
          small(party(random, {}, features), of_small, random),
          large(party(random, small.key(), features), of_large, random) {
        Meeting meeting{random.u64()};
        meeting.ann.keys = small.party().keys.clone();
        meeting.bob.keys = large.party().keys.clone();
        meeting.ann.features = meeting.bob.features = features;
        meeting.ann_index = small.allocate();
        meeting.bob_index = large.allocate();
        const auto done = shake_hands(meeting);
        small.establish(kStart, large.key(), done.ann.keys);
        large.establish(kStart, small.key(), done.bob);
    }

    static Party party(Random& random, const crypto::PublicKey& above, std::uint32_t features) {
        while (true) {
            Party out{random};
            out.features = features;
            if (above < out.keys.public_key) return out;
        }
    }

    static bool take(End<SessionType>& end, Instant now, Bytes datagram) {
        static_cast<void>(end.deliver(now, datagram));
        return true;
    }
};

using PeerPair = Pair<PeerSession>;
using ServerPair = Pair<ServerSession>;

/// A datagram that must open and hold a frame of the session's own.
template <class SessionType>
void expect_taken(End<SessionType>& end, Instant now, Bytes datagram) {
    const auto taken = end.deliver(now, datagram);
    ASSERT_TRUE(taken) << name_of(taken.error());
    EXPECT_FALSE(*taken);
}

/// A datagram that must open to the user's `text`.
template <class SessionType>
void expect_text(End<SessionType>& end, Instant now, Bytes datagram, std::string_view text) {
    const auto taken = end.deliver(now, datagram);
    ASSERT_TRUE(taken) << name_of(taken.error());
    EXPECT_EQ(*taken, text);
}

/// A datagram that must be dropped for `reason`.
template <class SessionType>
void expect_dropped(End<SessionType>& end, Instant now, Bytes datagram, Drop reason) {
    const auto taken = end.deliver(now, datagram);
    ASSERT_FALSE(taken);
    EXPECT_EQ(taken.error(), reason) << name_of(taken.error());
}

}  // namespace pinhole::session::test
