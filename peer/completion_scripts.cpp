#include "peer/completion_scripts.hpp"

namespace pinhole::peer {

const std::string_view kPosixCandidates = R"(
# _peer_candidates PROGRAM CURRENT BEFORE...
_peer_candidates() {
    local program=$1 current=$2 verb=chat is_start= flag= last= only_words= first= count=0 word line
    shift 2
    if [ $# -eq 0 ]; then is_start=1; fi
    if [ $# -gt 0 ] && _peer_is_verb "$1"; then
        verb=$1
        shift
    fi
    for word in "$@"; do
        if [ "$word" = "=" ] && [ -n "$last" ]; then
            flag=$last
            last=
        elif [ -n "$flag" ]; then
            flag=
        elif [ -z "$only_words" ] && [ "$word" = "--" ]; then
            only_words=1
        elif [ -z "$only_words" ] && [ "${word#-}" != "$word" ] && [ "$word" != "-" ]; then
            last=$word
            if _peer_takes_value "$word"; then flag=$word; fi
        else
            last=
            if [ $count -eq 0 ]; then first=$word; fi
            count=$((count + 1))
        fi
    done
    if [ -n "$flag" ]; then
        _peer_values "$flag"
    elif [ -z "$only_words" ] && [ "${current#-}" != "$current" ]; then
        _peer_flags "$verb"
    else
        if [ -n "$is_start" ]; then _peer_verbs; fi
        _peer_words "$verb" "$count" "$first"
    fi | while IFS= read -r line; do
        case $line in
            @peers) "$program" completion peers 2>/dev/null ;;
            @verbs) _peer_verbs ;;
            *) printf '%s\n' "$line" ;;
        esac
    done
}
)";

const std::string_view kBashAsks = R"(
_peer() {
    local current=${COMP_WORDS[COMP_CWORD]} prefix= candidate file
    local -a before=("${COMP_WORDS[@]:1:COMP_CWORD-1}")
    COMPREPLY=()
    if [[ $current == '=' ]]; then
        before+=('=')
        current=
    elif [[ $current == --*=* ]]; then  # where = does not break words
        prefix=${current%%=*}=
        before+=("${current%%=*}" '=')
        current=${current#*=}
    fi
    while IFS=$'\t' read -r candidate _; do
        if [[ $candidate == @files ]]; then
            compopt -o filenames 2>/dev/null
            while IFS= read -r file; do
                COMPREPLY+=("$prefix$file")
            done < <(compgen -f -- "$current")
        elif [[ $candidate == "$current"* ]]; then
            COMPREPLY+=("$prefix$candidate")
        fi
    done < <(_peer_candidates "${COMP_WORDS[0]}" "$current" "${before[@]}")
}
complete -F _peer peer
)";

const std::string_view kZshAsks = R"(
_peer() {
    local current=$words[CURRENT] candidate meaning wants_files=
    local -a before candidates lines
    before=("${(@)words[2,CURRENT-1]}")
    if [[ $current == --*=* ]]; then
        compset -P '*='
        before+=("${current%%=*}" '=')
        current=${current#*=}
    fi
    while IFS=$'\t' read -r candidate meaning; do
        if [[ $candidate == @files ]]; then
            wants_files=1
        else
            candidates+=("$candidate")
            lines+=("$candidate${meaning:+  -- $meaning}")
        fi
    done < <(_peer_candidates "$words[1]" "$current" "${before[@]}")
    if [[ -n $wants_files ]]; then _files; fi
    if (( $#candidates )); then compadd -l -d lines -a candidates; fi
}
# As a file of $fpath this is the body of the function itself.
if [[ $funcstack[1] == _peer ]]; then
    _peer "$@"
elif (( $+functions[compdef] )); then
    compdef _peer peer
fi
)";

const std::string_view kFishCandidates = R"(
# __peer_candidates PROGRAM CURRENT BEFORE...
function __peer_candidates
    set -l program $argv[1]
    set -l current "$argv[2]"
    set -e argv[1..2]
    set -l verb chat
    set -l is_start 0
    if test (count $argv) -eq 0
        set is_start 1
    else if __peer_is_verb $argv[1]
        set verb $argv[1]
        set -e argv[1]
    end
    set -l flag ''
    set -l last ''
    set -l only_words 0
    set -l first ''
    set -l plain 0
    for word in $argv
        if test "$word" = '=' -a -n "$last"
            set flag $last
            set last ''
        else if test -n "$flag"
            set flag ''
        else if test $only_words -eq 0 -a "x$word" = x--
            set only_words 1
        else if test $only_words -eq 0; and string match -q -- '-?*' $word
            set last $word
            if __peer_takes_value $word
                set flag $word
            end
        else
            set last ''
            if test $plain -eq 0
                set first "$word"
            end
            set plain (math $plain + 1)
        end
    end
    begin
        if test -n "$flag"
            __peer_values $flag
        else if test $only_words -eq 0; and string match -q -- '-*' $current
            __peer_flags $verb
        else
            if test $is_start -eq 1
                __peer_verbs
            end
            __peer_words $verb $plain "$first"
        end
    end | while read -l line
        switch $line
            case @peers
                $program completion peers 2>/dev/null
            case @verbs
                __peer_verbs
            case '*'
                printf '%s\n' $line
        end
    end
end

function __peer
    set -l before (commandline -opc)
    set -l program $before[1]
    set -e before[1]
    set -l current (commandline -ct)
    set -l prefix ''
    if string match -q -- '--*=*' "$current"
        set -l halves (string split -m 1 = -- $current)
        set prefix "$halves[1]="
        set -a before $halves[1] =
        set current "$halves[2]"
    end
    for line in (__peer_candidates $program "$current" $before)
        if test "$line" = @files
            for file in (__fish_complete_path "$current")
                printf '%s\n' "$prefix$file"
            end
        else
            printf '%s\n' "$prefix$line"
        end
    end
end
complete -c peer -f -a '(__peer)'
)";

}  // namespace pinhole::peer
