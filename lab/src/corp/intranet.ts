export const intranetName = 'intranet.corp.test';

/** What the corporate web server answers to `GET /`. */
export const intranetPage = `<!doctype html>
<title>Intranet</title>
<h1>Welcome to the intranet of corp.test</h1>
`;
