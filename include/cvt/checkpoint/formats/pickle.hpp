// Interprets the pickle of a PyTorch checkpoint without executing anything.
#pragma once

#include <algorithm>

#include "pickle_values.hpp"

CVT_NAMESPACE_BEGIN
namespace checkpoint {

/// Reads consecutive pickles (protocols 2 to 5) from a range of a byte source, in pieces, because the rest of the file may be
/// large. It accepts the opcodes that Python writes since protocol 2 and refuses any other by its number. A global name outside
/// pickle_globals becomes a foreign name, and a call of it an object: inert values that keep what was written. Nothing is ever
/// imported or called. Memory stays proportional to the length of the pickle, whatever it contains: containers refer to values by
/// number, and nothing is copied or computed.
class pickle_reader : public pickle_values {
public:
    static constexpr std::size_t max_bytes = 64U << 20;
    static constexpr std::uint32_t max_opcodes = 1'000'000;  ///< of all pickles together; also limits the memo
    static constexpr std::size_t max_stack = 1U << 16;
    static constexpr std::size_t max_marks = 1024;  ///< nesting
    static constexpr std::size_t max_name = 256;    ///< bytes of a global's module or name

    /// Reads bytes [begin, begin + size) of `source`, which must contain them and outlive this object.
    pickle_reader(const byte_source& source, std::uint64_t begin, std::uint64_t size) noexcept
        : source_{source}, begin_{begin}, size_{size} {}

    /// Interprets the next pickle and sets `root` to the number of its value. Errors: io; out_of_memory; malformed (truncated, stack
    /// or memo misused); unsupported (a name that hostile files use, an opcode that is not allowed, a limit exceeded).
    error load(std::uint32_t& root) noexcept {
        stack_.clear();
        marks_.clear();
        memo_.clear();
        for (std::uint64_t op = 0; op != '.';) {
            op_at_ = at_;
            if (!take(1, op)) return error_;
            if (++opcodes_ > max_opcodes) return error::format(errc::unsupported, "pickle: more than %u opcodes", max_opcodes);
            if (!step(op)) return error_;
        }
        if (!marks_.empty() || stack_.size() != 1)
            return error::format(errc::malformed, "pickle: expected one value at its end, found %zu and %zu marks", stack_.size(),
                                 marks_.size());
        root = stack_[0];
        return {};
    }

    /// Returns the offset in the source of the first byte after the pickles read so far.
    [[nodiscard]] std::uint64_t position() const noexcept { return begin_ + at_; }
    /// Returns the length of the pickles read so far.
    [[nodiscard]] std::size_t bytes_read() const noexcept { return at_; }

private:
    using kind_t = pickle_kind;

    CVT_PRINTF(3, 4) bool fail(errc code, const char* pattern, ...) noexcept {
        char text[360];
        std::va_list arguments;
        va_start(arguments, pattern);
        std::vsnprintf(text, sizeof text, pattern, arguments);
        va_end(arguments);
        error_ = error::format(code, "pickle, byte %zu: %s", op_at_, text);
        return false;
    }
    bool no_memory() noexcept {
        error_ = error::out_of_memory("the pickle", values_.size() * 2 * sizeof(pickle_value));
        return false;
    }
    bool misused(const char* what) noexcept { return fail(errc::malformed, "%s", what); }

    // ---- input
    /// Makes `count` more bytes available.
    bool need(std::uint64_t count) noexcept {
        if (count <= bytes_.size() - at_) return true;
        if (count > size_ - at_) return fail(errc::malformed, "the pickle is truncated");
        if (at_ + count > max_bytes) return fail(errc::unsupported, "the pickle is larger than 64 MiB");
        const std::size_t have = bytes_.size(), end = at_ + static_cast<std::size_t>(count);
        const std::size_t limit = size_ < max_bytes ? static_cast<std::size_t>(size_) : max_bytes;
        const std::size_t target = std::min(std::max(have * 2 + 4096, end), limit);
        if (!bytes_.resize(target)) return no_memory();
        error_ = source_.read(begin_ + have, target - have, bytes_.data() + have);
        return !error_;
    }
    /// Takes an unsigned little-endian number of `width` bytes.
    bool take(std::size_t width, std::uint64_t& value) noexcept {
        if (!need(width)) return false;
        value = 0;
        std::memcpy(&value, bytes_.data() + at_, width);
        at_ += width;
        return true;
    }
    /// Takes a line; `text` becomes its value, without the end of the line.
    bool take_line(std::uint32_t& text) noexcept {
        const auto begin = static_cast<std::uint32_t>(at_);
        for (std::int64_t length = 0; length <= std::int64_t{max_name}; ++length) {
            if (!need(1)) return false;
            if (bytes_[at_++] != '\n') continue;
            text = static_cast<std::uint32_t>(values_.size());
            return values_.push_back({kind_t::text, 0, begin, 0, length}) || no_memory();
        }
        return fail(errc::unsupported, "a global's name is longer than %zu bytes", max_name);
    }

    // ---- stack
    /// Returns the number of values below the topmost mark.
    [[nodiscard]] std::size_t floor() const noexcept { return marks_.empty() ? 0 : marks_[marks_.size() - 1]; }
    [[nodiscard]] bool has(std::size_t count) const noexcept { return stack_.size() - floor() >= count; }
    std::uint32_t top() const noexcept { return stack_[stack_.size() - 1]; }
    std::uint32_t pop() noexcept {
        const std::uint32_t v = top();
        (void)stack_.resize(stack_.size() - 1);
        return v;
    }
    bool push_number(std::uint32_t v) noexcept {
        if (stack_.size() >= max_stack) return fail(errc::unsupported, "more than %zu values on the stack", max_stack);
        return stack_.push_back(v) || no_memory();
    }
    bool push(const pickle_value& value) noexcept {
        return push_number(static_cast<std::uint32_t>(values_.size())) && (values_.push_back(value) || no_memory());
    }
    bool push_bytes(kind_t kind, std::uint64_t length) noexcept {
        if (!need(length)) return false;
        const auto begin = static_cast<std::uint32_t>(at_);
        at_ += static_cast<std::size_t>(length);
        return push({kind, 0, begin, 0, static_cast<std::int64_t>(length)});
    }
    bool push_integer(std::uint64_t n) noexcept { return push({kind_t::integer, 0, 0, 0, static_cast<std::int64_t>(n)}); }
    bool push_real() noexcept {
        std::uint64_t big_endian = 0, bits = 0;
        if (!take(8, big_endian)) return false;
        for (int i = 0; i < 8; ++i) bits = bits << 8 | (big_endian >> (8 * i) & 0xFF);
        return push({kind_t::real, 0, 0, 0, static_cast<std::int64_t>(bits)});
    }
    bool push_long(std::uint64_t size) noexcept {
        if (size > 8) return push_bytes(kind_t::big_integer, size);
        std::uint64_t bits = 0;
        if (!take(static_cast<std::size_t>(size), bits)) return false;
        const std::uint64_t sign = size == 0 ? 0 : std::uint64_t{1} << (8 * size - 1);
        return push_integer((bits ^ sign) - sign);  // extends the sign
    }
    /// Replaces the topmost `count` values by a tuple of them.
    bool push_tuple(std::size_t count) noexcept {
        if (!has(count)) return misused("a tuple of more values than the stack has");
        const auto tuple = static_cast<std::uint32_t>(values_.size());
        if (!values_.push_back({kind_t::tuple})) return no_memory();
        return move_into(tuple, stack_.size() - count) && push_number(tuple);
    }
    bool move_into(std::uint32_t container, std::size_t from) noexcept {
        for (std::size_t i = from; i < stack_.size(); ++i)
            if (!append(container, stack_[i])) return no_memory();
        (void)stack_.resize(from);
        return true;
    }
    /// Pops the topmost mark; `from` is the index of the first value above it.
    bool unmark(std::size_t& from) noexcept {
        if (marks_.empty()) return misused("a mark is missing");
        from = marks_[marks_.size() - 1];
        (void)marks_.resize(marks_.size() - 1);
        return true;
    }
    /// Moves the values from index `from` into the container below them. An object gets them as one more part.
    bool fill(std::size_t from, kind_t kind) noexcept {
        if (from <= floor() || from > stack_.size()) return misused("no container to add items to");
        const std::uint32_t below = stack_[from - 1];
        if (kind == kind_t::dict && (stack_.size() - from) % 2 != 0) return misused("a key without a value");
        if (values_[below].kind == kind) return move_into(below, from);
        if (values_[below].kind != kind_t::object) return fail(errc::unsupported, "cannot add items to %s", to_string(values_[below].kind));
        const auto part = static_cast<std::uint32_t>(values_.size());
        return (values_.push_back({kind}) && append(below, part)) ? move_into(part, from) : no_memory();
    }

    // ---- memo
    bool put(std::uint64_t index) noexcept {
        if (!has(1)) return misused("nothing to memoize");
        // Picklers number memo entries from 0, so a larger index is wrong: a few bytes must not allocate a million entries.
        if (index >= opcodes_ + std::uint64_t{1024})
            return fail(errc::unsupported, "memo index %llu is too large at this point", static_cast<unsigned long long>(index));
        const auto at = static_cast<std::size_t>(index);
        while (memo_.size() <= at)
            if (!memo_.push_back(nothing)) return no_memory();
        memo_[at] = top();
        return true;
    }
    bool get(std::uint64_t at) noexcept {
        if (at >= memo_.size() || memo_[static_cast<std::size_t>(at)] == nothing)
            return fail(errc::malformed, "memo entry %llu was never set", static_cast<unsigned long long>(at));
        return push_number(memo_[static_cast<std::size_t>(at)]);
    }

    // ---- imports and calls, which are recorded but not executed
    /// Pushes the name given by two texts.
    bool push_foreign(std::uint32_t module, std::uint32_t name) noexcept {
        if (is_weapon(text(module), text(name)))
            return fail(errc::unsupported, "refused %s.%s: a checkpoint needs only tensors, dictionaries and numbers; nothing was executed",
                        printable{text(module)}.text, printable{text(name)}.text);
        for (std::size_t i = 0; i < std::size(pickle_globals); ++i)
            if (text(module) == pickle_globals[i].module && text(name) == pickle_globals[i].name)
                return push({kind_t::global, static_cast<std::uint8_t>(i), module, name});
        return push({kind_t::foreign, 0, module, name});
    }
    bool global_lines() noexcept {
        std::uint32_t module = 0, name = 0;
        return take_line(module) && take_line(name) && push_foreign(module, name);
    }
    bool stack_global() noexcept {
        if (!has(2)) return misused("a global without a name");
        const std::uint32_t name = pop(), module = pop();
        if (kind(name) != kind_t::text || kind(module) != kind_t::text) return misused("a global whose name is not a string");
        return push_foreign(module, name);
    }
    /// Pushes an object that stands for the result of a call; nothing is called.
    bool push_object(std::uint32_t callee, std::uint32_t arguments) noexcept {
        const auto object = static_cast<std::uint32_t>(values_.size());
        return push({kind_t::object}) && ((append(object, callee) && append(object, arguments)) || no_memory());
    }
    /// NEWOBJ, or NEWOBJ_EX with its dictionary of arguments.
    bool new_object(bool with_names) noexcept {
        if (!has(with_names ? 3 : 2)) return misused("an object without arguments");
        const std::uint32_t names = with_names ? pop() : nothing, arguments = pop(), type = pop();
        return push_object(type, arguments) && (!with_names || append(top(), names) || no_memory());
    }
    bool reduce() noexcept {
        if (!has(2)) return misused("a call without arguments");
        const std::uint32_t arguments = pop(), callee = pop();
        if (kind(callee) == kind_t::foreign || kind(callee) == kind_t::object) return push_object(callee, arguments);
        if (kind(callee) != kind_t::global) return fail(errc::unsupported, "cannot call %s", to_string(kind(callee)));
        return rebuild(callee, arguments);
    }
    /// Pushes the result of one of torch's own functions; an object if an argument is an object.
    bool rebuild(std::uint32_t callee, std::uint32_t arguments) noexcept {
        const pickle_global& g = global(callee);
        const std::int64_t given = kind(arguments) == kind_t::tuple ? count(arguments) : -1;
        const std::uint32_t first_one = given > 0 ? item_of(arguments, 0) : nothing;
        const kind_t first_kind = given > 0 ? kind(first_one) : kind_t::none;
        switch (g.meaning) {
            case pickle_global::role::ordered_dict:
                if (given == 0) return push({kind_t::dict});
                if (given == 1 && first_kind == kind_t::list) return push_pairs(first_one);
                break;
            case pickle_global::role::tensor:
                if (given < 4 || given > 7) break;
                if (first_kind == kind_t::storage) return push({kind_t::tensor, 0, arguments});
                if (first_kind == kind_t::object) return push_object(callee, arguments);
                break;
            case pickle_global::role::parameter:
                if (given < 3 || given > 4) break;
                if (first_kind == kind_t::tensor) return push_number(first_one);
                if (first_kind == kind_t::object) return push_object(callee, arguments);
                break;
            case pickle_global::role::typed_tensor:  // (function, type, arguments, state)
                if (given != 4) break;
                if (first_kind != kind_t::global || global(first_one).meaning == pickle_global::role::typed_tensor)
                    return push_object(callee, arguments);
                return rebuild(first_one, item_of(arguments, 2));
            case pickle_global::role::storage_type: break;
        }
        return fail(errc::unsupported, "%s.%s has unexpected arguments", g.module.data(), g.name.data());
    }
    /// Pushes an OrderedDict made from a list of pairs, as Python 2 wrote it.
    bool push_pairs(std::uint32_t list) noexcept {
        // Each pair took an opcode to add to its list. Copying one list many times must not use more memory than that.
        copied_ += count(list);
        if (copied_ > opcodes_) return fail(errc::unsupported, "too many lists are converted into dictionaries");
        const auto dict = static_cast<std::uint32_t>(values_.size());
        if (!push({kind_t::dict})) return false;
        for (std::uint32_t l = first(list); l != nothing; l = next(l)) {
            const std::uint32_t pair = item(l);
            if ((kind(pair) != kind_t::list && kind(pair) != kind_t::tuple) || count(pair) != 2)
                return fail(errc::unsupported, "collections.OrderedDict has unexpected arguments");
            if (!append(dict, item_of(pair, 0)) || !append(dict, item_of(pair, 1))) return no_memory();
        }
        return true;
    }
    bool build() noexcept {
        if (!has(2)) return misused("a state without an object");
        const std::uint32_t state = pop();
        // torch sets OrderedDict's _metadata: module versions, on which no weight depends.
        if (kind(top()) == kind_t::dict && kind(state) == kind_t::dict) return true;
        if (kind(top()) == kind_t::object) return append(top(), state) || no_memory();
        return fail(errc::unsupported, "cannot set the state of %s", to_string(kind(top())));
    }
    /// Reads ('storage', type, key, location, elements) and, in files before 1.6, None or (view key, offset, elements).
    bool persistent_id() noexcept {
        if (!has(1)) return misused("a persistent id is missing");
        const std::uint32_t id = pop();
        // A storage of an unsupported type, or the class of a module that was saved whole.
        if (kind(id) == kind_t::tuple && count(id) > 1 &&
            (is_text(item_of(id, 0), "module") || (is_text(item_of(id, 0), "storage") && kind(item_of(id, 1)) == kind_t::foreign)))
            return push_object(item_of(id, 1), id);
        bool good = kind(id) == kind_t::tuple && (count(id) == 5 || count(id) == 6) && is_text(item_of(id, 0), "storage") &&
                    kind(item_of(id, 1)) == kind_t::global && global(item_of(id, 1)).meaning == pickle_global::role::storage_type &&
                    kind(item_of(id, 2)) == kind_t::text && is_size(item_of(id, 4));
        if (good && count(id) == 6 && kind(item_of(id, 5)) != kind_t::none) {
            const std::uint32_t view = item_of(id, 5);
            good = kind(view) == kind_t::tuple && count(view) == 3 && is_size(item_of(view, 1)) && is_size(item_of(view, 2)) &&
                   integer(item_of(view, 1)) <= integer(item_of(id, 4)) &&
                   integer(item_of(view, 2)) <= integer(item_of(id, 4)) - integer(item_of(view, 1));
        }
        if (!good) return fail(errc::unsupported, "a persistent id that does not describe a tensor storage");
        return push({kind_t::storage, static_cast<std::uint8_t>(global(item_of(id, 1)).type), id});
    }

    bool step(std::uint64_t op) noexcept {
        std::uint64_t n = 0;
        std::size_t from = 0;
        switch (op) {
            case 0x80:  // PROTO
                return take(1, n) &&
                       (n <= 5 || fail(errc::unsupported, "expected protocol 5 or lower, found %u", static_cast<unsigned>(n)));
            case 0x95: return take(8, n);  // FRAME: a hint how many bytes to read ahead
            case '(':                      // MARK
                if (marks_.size() >= max_marks) return fail(errc::unsupported, "more than %zu levels of nesting", max_marks);
                return marks_.push_back(static_cast<std::uint32_t>(stack_.size())) || no_memory();
            case '0':  // POP: a value, or the mark if that is on top
                return has(1) ? pop() != nothing : unmark(from);
            case '1': return unmark(from) && stack_.resize(from);                                // POP_MARK
            case '2': return has(1) ? push_number(top()) : misused("there is nothing to copy");  // DUP
            case 'N': return push({kind_t::none});                                               // NONE
            case 0x88: return push({kind_t::boolean, 0, 0, 0, 1});                               // NEWTRUE
            case 0x89: return push({kind_t::boolean, 0, 0, 0, 0});                               // NEWFALSE
            case '.': return true;                                                               // STOP
            case 'K': return take(1, n) && push_integer(n);                                      // BININT1
            case 'M': return take(2, n) && push_integer(n);                                      // BININT2
            case 'J': return push_long(4);                                                       // BININT
            case 0x8a: return take(1, n) && push_long(n);                                        // LONG1
            case 0x8b: return take(4, n) && push_long(n);                                        // LONG4
            case 'G': return push_real();                                                        // BINFLOAT
            case 'X':                                                                            // BINUNICODE
            case 'T': return take(4, n) && push_bytes(kind_t::text, n);                          // BINSTRING (Python 2)
            case 0x8c:                                                                           // SHORT_BINUNICODE
            case 'U': return take(1, n) && push_bytes(kind_t::text, n);                          // SHORT_BINSTRING (Python 2)
            case 0x8d: return take(8, n) && push_bytes(kind_t::text, n);                         // BINUNICODE8
            case 'C': return take(1, n) && push_bytes(kind_t::bytes, n);                         // SHORT_BINBYTES
            case 'B': return take(4, n) && push_bytes(kind_t::bytes, n);                         // BINBYTES
            case 0x8e:                                                                           // BINBYTES8
            case 0x96: return take(8, n) && push_bytes(kind_t::bytes, n);                        // BYTEARRAY8
            case ')': return push({kind_t::tuple});                                              // EMPTY_TUPLE
            case 0x85:
            case 0x86:
            case 0x87: return push_tuple(static_cast<std::size_t>(op - 0x84));   // TUPLE1, TUPLE2, TUPLE3
            case 't': return unmark(from) && push_tuple(stack_.size() - from);   // TUPLE
            case 0x91: return unmark(from) && push_tuple(stack_.size() - from);  // FROZENSET
            case ']':                                                            // EMPTY_LIST
            case 0x8f: return push({kind_t::list});                              // EMPTY_SET
            case 'a': return fill(stack_.size() - 1, kind_t::list);              // APPEND
            case 'e':                                                            // APPENDS
            case 0x90: return unmark(from) && fill(from, kind_t::list);          // ADDITEMS
            case '}': return push({kind_t::dict});                               // EMPTY_DICT
            case 's': return fill(stack_.size() - 2, kind_t::dict);              // SETITEM
            case 'u': return unmark(from) && fill(from, kind_t::dict);           // SETITEMS
            case 'q': return take(1, n) && put(n);                               // BINPUT
            case 'r': return take(4, n) && put(n);                               // LONG_BINPUT
            case 0x94: return put(memo_.size());                                 // MEMOIZE
            case 'h': return take(1, n) && get(n);                               // BINGET
            case 'j': return take(4, n) && get(n);                               // LONG_BINGET
            case 'c': return global_lines();                                     // GLOBAL
            case 0x93: return stack_global();                                    // STACK_GLOBAL
            case 'R': return reduce();                                           // REDUCE
            case 0x81: return new_object(false);                                 // NEWOBJ
            case 0x92: return new_object(true);                                  // NEWOBJ_EX
            case 'b': return build();                                            // BUILD
            case 'Q': return persistent_id();                                    // BINPERSID
            case 'i':  // INST: not allowed; a hostile global is refused by its name
                return global_lines() && fail(errc::unsupported, "refused opcode 0x69");
            default: return fail(errc::unsupported, "refused opcode 0x%02x", static_cast<unsigned>(op));
        }
    }

    const byte_source& source_;
    std::uint64_t begin_, size_;
    std::size_t at_ = 0, op_at_ = 0;  // relative to begin_
    std::uint32_t opcodes_ = 0;
    std::int64_t copied_ = 0;  // pairs copied by push_pairs
    detail::buffer<std::uint32_t> stack_, marks_, memo_;
    error error_;
};

}  // namespace checkpoint
CVT_NAMESPACE_END
