#compdef envup
# Completion of envup in zsh. The system's env keeps its own: use `envup`, or `compdef _envup env` to have verbs there.
_envup() {
    local -a candidates
    local line
    while IFS= read -r line; do
        candidates+=("${${line//:/\\:}/$'\t'/:}")
    done < <(envup completions zsh "$((CURRENT - 1))" "${words[@]}" 2>/dev/null)
    _describe 'envup' candidates
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _envup "$@"; else compdef _envup envup; fi
