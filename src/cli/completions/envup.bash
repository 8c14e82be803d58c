# Completion of envup in bash. Words of the system's env stay as they are.
_envup() {
    local words=("${COMP_WORDS[@]}") index=$COMP_CWORD line
    # bash takes `web:/path` apart; the program wants it whole.
    if declare -F _get_comp_words_by_ref >/dev/null; then
        local cur prev cword
        _get_comp_words_by_ref -n := -w words -i index cur prev cword 2>/dev/null || true
    fi
    if [[ ${words[0]##*/} == env && $index -gt 1 ]] &&
        [[ " $(envup completions bash 1 envup '' 2>/dev/null | tr '\n' ' ') " != *" ${words[1]} "* ]]; then
        if declare -F _command_offset >/dev/null; then _command_offset 1; fi
        return
    fi
    COMPREPLY=()
    while IFS= read -r line; do
        [[ -n $line ]] && COMPREPLY+=("$line")
    done < <(envup completions bash "$index" "${words[@]}" 2>/dev/null)
    if [[ ${words[0]##*/} == env && $index -eq 1 ]]; then
        while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -c -- "${words[index]}")
    fi
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]]; then compopt -o nospace 2>/dev/null; fi
}
complete -F _envup env envup
