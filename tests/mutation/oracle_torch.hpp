// The second opinion on a PyTorch checkpoint: pickle's rules as Python has them, on a tree of values.
#pragma once

#include <deque>

#include "oracle.hpp"

namespace cvt_test {

struct py_value {
    char kind =
        'N';  // N none, b boolean, i integer, l large integer, f real, s text, t tuple, L list, d dict, g global, S storage, T tensor
    std::int64_t number = 0;
    std::string text;
    std::vector<py_value*> items;  // of a dict: key, value, key, value ...

    [[nodiscard]] const py_value& item(std::size_t i, char wanted) const {
        insist(i < items.size() && items[i]->kind == wanted, "an item of another kind");
        return *items[i];
    }
    /// The value under a key; of two the later one counts, as in Python.
    [[nodiscard]] const py_value* find(std::string_view key) const {
        const py_value* found = nullptr;
        for (std::size_t i = 0; kind == 'd' && i + 1 < items.size(); i += 2)
            if (items[i]->kind == 's' && items[i]->text == key) found = items[i + 1];
        return found;
    }
    [[nodiscard]] bool holds_tensors() const {
        for (std::size_t i = 1; kind == 'd' && i < items.size(); i += 2)
            if (items[i]->kind == 'T') return true;
        return false;
    }
};

class unpickler {
public:
    explicit unpickler(std::string_view bytes) : bytes_{bytes} {}

    std::uint64_t at = 0;

    /// Everything that has been read so far.
    [[nodiscard]] const std::deque<py_value>& values() const { return values_; }

    const py_value& load() {
        stack_.clear();
        memo_.clear();
        for (;;) {
            const auto op = static_cast<unsigned char>(take(1)[0]);
            if (op == '.') break;
            step(op);
        }
        insist(stack_.size() == 1 && stack_[0] != nullptr, "a stack of more than the result");
        return *stack_[0];
    }

private:
    std::string_view take(std::uint64_t n) {
        const std::string_view part = part_of(bytes_, at, n);
        at += n;
        return part;
    }
    std::uint64_t take_number(int width) { return number_at(take(static_cast<std::uint64_t>(width)), 0, width); }
    std::string line() {
        const std::size_t end = bytes_.find('\n', at);
        insist(end != std::string_view::npos, "a line without an end");
        const std::string text{take(end - at)};
        take(1);
        return text;
    }
    void push(char kind, std::int64_t number = 0, std::string text = {}, std::vector<py_value*> items = {}) {
        stack_.push_back(&values_.emplace_back(py_value{kind, number, std::move(text), std::move(items)}));
    }
    py_value* pop() {
        insist(!stack_.empty() && stack_.back() != nullptr, "an empty stack");
        py_value* v = stack_.back();
        stack_.pop_back();
        return v;
    }
    std::vector<py_value*> pop_to_mark() {
        std::vector<py_value*> items;
        while (!stack_.empty() && stack_.back() != nullptr) items.insert(items.begin(), pop());
        insist(!stack_.empty(), "no mark");
        stack_.pop_back();
        return items;
    }
    std::vector<py_value*> pop_some(std::size_t n) {
        std::vector<py_value*> items;
        while (n-- != 0) items.insert(items.begin(), pop());
        return items;
    }
    void extend(char kind, const std::vector<py_value*>& items) {
        insist(!stack_.empty() && stack_.back() != nullptr && stack_.back()->kind == kind, "nothing to extend");
        stack_.back()->items.insert(stack_.back()->items.end(), items.begin(), items.end());
    }
    void call() {
        py_value* const arguments = pop();
        const py_value* const callee = pop();
        insist(callee->kind == 'g' && arguments->kind == 't', "a call of something else");
        if (callee->text == "collections OrderedDict") return push('d');
        if (callee->text == "torch._utils _rebuild_tensor_v2") return (void)arguments->item(0, 'S'), push('T', 0, {}, arguments->items);
        insist(callee->text == "torch._utils _rebuild_parameter", "a call of another function");
        (void)arguments->item(0, 'T');
        stack_.push_back(arguments->items[0]);
    }
    void step(unsigned char op) {
        switch (op) {
            case 0x80: return (void)take(1);
            case 0x95: return (void)take(8);
            case '(': return stack_.push_back(nullptr);
            case 'N': return push('N');
            case 0x88: return push('b', 1);
            case 0x89: return push('b', 0);
            case 'K': return push('i', static_cast<std::int64_t>(take_number(1)));
            case 'M': return push('i', static_cast<std::int64_t>(take_number(2)));
            case 'J': return push('i', static_cast<std::int32_t>(take_number(4)));
            case 0x8a: {
                const int width = static_cast<int>(take_number(1));
                if (width > 8) return push('l', 0, std::string{take(static_cast<std::uint64_t>(width))});
                const std::uint64_t bits = take_number(width);
                const int unused = 64 - 8 * width;
                return push('i', width == 0 ? 0 : static_cast<std::int64_t>(bits << unused) >> unused);
            }
            case 'G': return (void)take(8), push('f');
            case 'X': return push('s', 0, std::string{take(take_number(4))});
            case 0x8c: return push('s', 0, std::string{take(take_number(1))});
            case ')': return push('t');
            case 0x85: return push_tuple(pop_some(1));
            case 0x86: return push_tuple(pop_some(2));
            case 0x87: return push_tuple(pop_some(3));
            case 't': return push_tuple(pop_to_mark());
            case ']': return push('L');
            case 'a': return extend('L', pop_some(1));
            case 'e': return extend('L', pop_to_mark());
            case '}': return push('d');
            case 's': return extend('d', pop_some(2));
            case 'u': return extend('d', pop_to_mark());
            case 'q': return put(take_number(1));
            case 'r': return put(take_number(4));
            case 0x94: return put(memo_.size());
            case 'h': return get(take_number(1));
            case 'j': return get(take_number(4));
            case 'c': {
                const std::string module = line(), name = line();
                return push('g', 0, module + " " + name);
            }
            case 0x93: {
                const py_value *const name = pop(), *const module = pop();
                insist(name->kind == 's' && module->kind == 's', "a global that is no name");
                return push('g', 0, module->text + " " + name->text);
            }
            case 'R': return call();
            case 'b': return (void)pop();
            case 'Q': return push('S', 0, {}, pop()->items);
            default: insist(false, "an unknown opcode");
        }
    }
    void push_tuple(std::vector<py_value*> items) { push('t', 0, {}, std::move(items)); }
    void put(std::uint64_t i) {
        insist(!stack_.empty() && stack_.back() != nullptr, "nothing to remember");
        memo_[i] = stack_.back();
    }
    void get(std::uint64_t i) {
        insist(memo_.count(i) != 0, "nothing remembered");
        stack_.push_back(memo_[i]);
    }

    std::string_view bytes_;
    std::deque<py_value> values_;
    std::vector<py_value*> stack_;  // a mark is a null pointer
    std::map<std::uint64_t, py_value*> memo_;
};

/// The element type of a storage.
inline std::string type_of(const py_value& storage) {
    static const std::map<std::string, const char*> types{{"torch FloatStorage", "F32"},     {"torch HalfStorage", "F16"},
                                                          {"torch BFloat16Storage", "BF16"}, {"torch DoubleStorage", "F64"},
                                                          {"torch LongStorage", "I64"},      {"torch IntStorage", "I32"}};
    return types.at(storage.item(1, 'g').text);
}

/// The tensors of a checkpoint, whose storages' bytes storage_of(key) finds.
template <class StorageOf>
oracle_table tensors_of(const py_value& root, StorageOf&& storage_of) {
    const py_value* dict = &root;
    for (const char* key : {"encoder", "model", "state_dict"})  // the last of these that fits stays
        if (const py_value* inner = root.find(key); inner != nullptr && inner->holds_tensors()) dict = inner;
    oracle_table table;
    for (std::size_t i = 0; i + 1 < dict->items.size(); i += 2) {
        const py_value& value = *dict->items[i + 1];
        if (value.kind != 'T') continue;
        const py_value& storage = value.item(0, 'S');
        const std::string type = type_of(storage);
        const std::int64_t numel = storage.item(4, 'i').number;
        std::int64_t base = 0;
        if (storage.items.size() == 6 && storage.items[5]->kind == 't') base = storage.items[5]->item(1, 'i').number;
        const std::string_view bytes = storage_of(storage.item(2, 's').text);
        oracle_tensor t;
        std::int64_t count = 1;
        const py_value &shape = value.item(2, 't'), &strides = value.item(3, 't');
        insist(shape.items.size() == strides.items.size(), "a stride for each axis");
        for (std::size_t a = 0; a < shape.items.size(); ++a) {
            t.shape.push_back(shape.item(a, 'i').number);
            insist(t.shape.back() >= 0 && t.shape.back() < 1'000'000, "a tensor larger than any here");
            count *= t.shape.back();
            insist(count < 10'000'000, "a tensor larger than any here");
        }
        for (std::int64_t n = 0; n < count; ++n) {
            std::int64_t element = base + value.item(1, 'i').number, rest = n;
            for (std::size_t a = t.shape.size(); a-- > 0; rest /= t.shape[a]) element += rest % t.shape[a] * strides.item(a, 'i').number;
            insist(element >= 0 && element < numel, "an element outside its storage");
            t.values.push_back(element_at(bytes, static_cast<std::uint64_t>(element) * static_cast<std::uint64_t>(width_of(type)), type));
        }
        insist(dict->items[i]->kind == 's', "a name that is no text");
        table[dict->items[i]->text] = std::move(t);
    }
    return table;
}

/// Names and contents of a zip's entries, by its central directory.
inline std::map<std::string, std::string_view> zip_entries(std::string_view file) {
    std::uint64_t end = file.size();
    do insist(end-- != 0, "no directory");
    while (file.substr(end, 4) != "PK\5\6" || end + 22 + number_at(file, end + 20, 2) != file.size());
    std::uint64_t count = number_at(file, end + 10, 2), at = number_at(file, end + 16, 4);
    if (end >= 20 && file.substr(end - 20, 4) == "PK\6\7") {
        const std::uint64_t end64 = number_at(file, end - 12, 8);
        insist(part_of(file, end64, 4) == "PK\6\6", "no zip64 record");
        count = number_at(file, end64 + 32, 8);
        at = number_at(file, end64 + 48, 8);
    }
    std::map<std::string, std::string_view> entries;
    for (; count != 0; --count) {
        insist(part_of(file, at, 4) == "PK\1\2", "a damaged directory");
        const std::uint64_t size = number_at(file, at + 24, 4), name = number_at(file, at + 28, 2), extra = number_at(file, at + 30, 2);
        const std::uint64_t local = number_at(file, at + 42, 4);
        insist(size != 0xFFFFFFFF && local != 0xFFFFFFFF, "an entry larger than any here");
        if (number_at(file, at + 10, 2) == 0 && local + 30 <= file.size()) {  // an entry that no tensor needs may be damaged
            const std::uint64_t data = local + 30 + number_at(file, local + 26, 2) + number_at(file, local + 28, 2);
            if (data <= file.size() && size <= file.size() - data)
                entries[std::string{part_of(file, at + 46, name)}] = file.substr(data, size);
        }
        at += 46 + name + extra + number_at(file, at + 32, 2);
    }
    return entries;
}

inline oracle_table read_torch_oracle(std::string_view file) {
    if (file.substr(0, 2) == "PK") {
        const auto entries = zip_entries(file);
        for (const auto& [name, content] : entries) {
            if (!std::string_view{name}.ends_with("/data.pkl")) continue;
            const std::string folder = name.substr(0, name.size() - 8) + "data/";
            unpickler pickle{content};
            return tensors_of(pickle.load(), [&](const std::string& key) { return entries.at(folder + key); });
        }
        insist(false, "no pickle");
    }
    unpickler pickles{file};
    for (int i = 0; i < 3; ++i) pickles.load();
    const py_value root = pickles.load();
    // Copies: the next load() reuses the stack, not the values.
    const py_value keys = pickles.load();
    std::map<std::string, std::uint64_t> places;
    std::map<std::string, const py_value*> storages;
    for (const py_value& v : pickles.values())
        if (v.kind == 'S') storages[v.item(2, 's').text] = &v;
    std::uint64_t at = pickles.at;
    for (const py_value* key : keys.items) {
        const py_value& storage = *storages.at(key->text);
        const auto numel = static_cast<std::uint64_t>(storage.item(4, 'i').number);
        insist(number_at(file, at, 8) == numel, "a storage of another size");
        places[key->text] = at + 8;
        at += 8 + numel * static_cast<std::uint64_t>(width_of(type_of(storage)));
    }
    return tensors_of(root, [&](const std::string& key) { return file.substr(places.at(key)); });
}

}  // namespace cvt_test
