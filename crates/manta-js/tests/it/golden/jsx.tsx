const view = <Panel.Body {...props} title="t" onClick={() => run(cmd)}>text {cmd} <b>{count}</b><>{...items}</></Panel.Body>;
