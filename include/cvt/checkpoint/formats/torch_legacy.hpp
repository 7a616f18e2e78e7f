// Finds the storages in a torch.save file from before PyTorch 1.6: five consecutive pickles, then the storages.
#pragma once

#include "../../runtime/sort.hpp"
#include "pickle.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// The offsets of a legacy file's storages. The pickle of the object gives their element types, the pickle of the keys
/// their order (torch.serialization._legacy_save).
class legacy_storages {
public:
    /// Maximum length of a storage's key in bytes. Storages are sorted by key, and any number of them may share one text.
    static constexpr std::size_t max_key = 1024;

    /// Reads the pickles at the beginning of `source`, all of which `reader` covers, and sets `root` to the object. Errors: those of
    /// the reader; malformed (wrong magic number, storages that do not fit); unsupported (protocol, big-endian).
    error open(const byte_source& source, pickle_reader& reader, std::uint32_t& root) noexcept {
        values_ = &reader;
        std::uint32_t keys = 0;
        if (error e = check_header(reader)) return e;
        if (error e = reader.load(root)) return e;
        if (error e = collect()) return e;
        if (error e = reader.load(keys)) return e;
        return walk(source, keys);
    }
    /// Returns the offset of storage `key`, or 0 if there is none. All its declared elements lie in the file.
    [[nodiscard]] std::uint64_t locate(std::string_view key) noexcept {
        const place* const p = find(key);
        return p == nullptr ? 0 : p->begin;
    }

private:
    struct place {
        std::uint32_t value;  // a storage of the reader
        std::uint64_t begin;  // 0 until it is found
    };
    [[nodiscard]] std::string_view key(const place& p) const noexcept { return values_->storage(p.value).key; }
    /// Returns the first place of the storage called `wanted`, or null.
    [[nodiscard]] place* find(std::string_view wanted) noexcept {
        const auto before = [this](const place& a, std::string_view k) { return detail::precedes(key(a), k); };
        place* const p = std::lower_bound(places_.begin(), places_.end(), wanted, before);
        return p != places_.end() && detail::same_text(key(*p), wanted) ? p : nullptr;
    }

    static error bad(errc code, const char* what) noexcept { return error::format(code, "legacy PyTorch file: %s", what); }

    static error check_header(pickle_reader& reader) noexcept {
        constexpr std::string_view magic{"\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10};  // 0x1950a86a20f9469cfc6c
        std::uint32_t v = 0;
        if (error e = reader.load(v)) return e;
        if (reader.kind(v) != pickle_kind::big_integer || reader.text(v) != magic)
            return error::format(errc::malformed, "a pickle without PyTorch's magic number: not a torch.save checkpoint");
        if (error e = reader.load(v)) return e;
        if (reader.kind(v) != pickle_kind::integer || reader.integer(v) != 1001) return bad(errc::unsupported, "its protocol is not 1001");
        if (error e = reader.load(v)) return e;
        const std::uint32_t little = reader.kind(v) == pickle_kind::dict ? reader.find(v, "little_endian") : pickle_values::nothing;
        if (little == pickle_values::nothing || reader.kind(little) != pickle_kind::boolean)
            return bad(errc::malformed, "its byte order is missing");
        return reader.integer(little) == 0 ? bad(errc::unsupported, "big-endian files are not supported") : error{};
    }

    /// Lists the storages that the object refers to. Only the first of those with the same key gets an offset.
    error collect() noexcept {
        for (std::uint32_t v = 0; v < values_->size(); ++v) {
            if (values_->kind(v) != pickle_kind::storage) continue;
            if (values_->storage(v).key.size() > max_key)
                return error::format(errc::unsupported, "a storage's key is longer than %zu bytes", max_key);
            if (!places_.push_back({v, 0})) return error::out_of_memory("the list of storages", places_.size() * 2 * sizeof(place));
        }
        detail::sort(places_, [this](const place& a, const place& b) { return detail::precedes(key(a), key(b)); });
        for (std::size_t i = 1; i < places_.size(); ++i) {
            const pickle_storage a = values_->storage(places_[i - 1].value), b = values_->storage(places_[i].value);
            if (detail::same_text(a.key, b.key) && (a.type != b.type || a.elements != b.elements))
                return error::format(errc::malformed, "storage %s has two different descriptions", printable{a.key}.text);
        }
        return {};
    }

    /// Finds the storages, which follow in the order of `keys`.
    error walk(const byte_source& source, std::uint32_t keys) noexcept {
        if (values_->kind(keys) != pickle_kind::list) return bad(errc::malformed, "its list of storages is missing");
        std::uint64_t at = values_->position();
        for (std::uint32_t l = values_->first(keys); l != pickle_values::nothing; l = values_->next(l)) {
            const std::uint32_t v = values_->item(l);
            if (values_->kind(v) != pickle_kind::text) return bad(errc::malformed, "a storage's key is not a string");
            const printable shown{values_->text(v)};
            place* const found = find(values_->text(v));
            if (found == nullptr || found->begin != 0)
                return error::format(errc::malformed, "storage %s is listed %s", shown.text, found == nullptr ? "but not used" : "twice");
            const pickle_storage s = values_->storage(found->value);
            std::int64_t elements = 0;
            if (error e = source.read(at, sizeof elements, &elements)) return e;
            at += sizeof elements;
            if (elements != s.elements)
                return error::format(errc::malformed, "storage %s: expected %lld elements, the file has %lld", shown.text,
                                     static_cast<long long>(s.elements), static_cast<long long>(elements));
            const auto count = static_cast<std::uint64_t>(elements);
            if (count > (source.size() - at) / size_of(s.type))
                return error::format(errc::malformed, "storage %s: ends outside the file (an incomplete download?)", shown.text);
            found->begin = at;
            at += count * size_of(s.type);
        }
        return {};
    }

    const pickle_reader* values_ = nullptr;
    detail::buffer<place> places_;  // sorted by key
};

}  // namespace checkpoint
CVT_NAMESPACE_END
